import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '../../src/index.ts'

/** Requests of several clients, and how many of them were answered with 5xx. */
export interface IncidentLoad extends AsyncDisposable {
  readonly answered: number
  readonly failed: number
  /** Sends no more, and waits for the answers to all that were sent. */
  stop(): Promise<void>
}

/** One request. */
export interface LoadRequest {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

const longestPauseMs = 500

/**
 * Puts a service under load: clients that send request after request, with pauses of random length.
 *
 * @param options.next The next request of a client, which are numbered from 0.
 */
export function startIncidentLoad(
  target: Target,
  options: { clients: number; next: (client: number) => LoadRequest },
): IncidentLoad {
  const { clients, next } = options
  let answered = 0
  let failed = 0
  let isOver = false
  async function run(client: number): Promise<void> {
    while (!isOver) {
      const status = await send(target, next(client))
      answered++
      if (status >= 500) failed++
      await sleep(Math.random() * longestPauseMs)
    }
  }
  const done = Promise.all(Array.from({ length: clients }, (_, client) => run(client)))
  const stop = async (): Promise<void> => {
    isOver = true
    await done
  }
  return {
    get answered() {
      return answered
    },
    get failed() {
      return failed
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function send(target: Target, { method, path, body }: LoadRequest): Promise<number> {
  const response = await fetch(`${target.url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}
