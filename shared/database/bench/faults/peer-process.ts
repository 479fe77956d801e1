import { join } from 'node:path'
import type { Answer, Command, LoadResult } from './messages.ts'

/** A peer under load in a process of its own. */
export interface PeerProcess extends AsyncDisposable {
  /** Resolves after the warm second. */
  readonly warm: Promise<void>
  /** Tells it that the fault is about to happen, and resolves when it knows. */
  mark(): Promise<void>
  /** Tells it that the fault has happened. */
  happened(): void
  readonly result: Promise<LoadResult>
}

/** Starts a peer; its promises reject with how its process ended if it ends before them, or when the signal fires. */
export function startPeer(
  start: Omit<Extract<Command, { type: 'start' }>, 'type'>,
  signal: AbortSignal,
): PeerProcess {
  const warm = Promise.withResolvers<void>()
  const marked = Promise.withResolvers<void>()
  const result = Promise.withResolvers<LoadResult>()
  const fail = (error: unknown) => {
    for (const { reject } of [warm, marked, result]) reject(error)
  }
  // Who awaits one of them hears of the end; the others are nobody's.
  for (const { promise } of [warm, marked, result]) promise.catch(() => {})
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'child.ts')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    serialization: 'json',
    ipc(answer: Answer) {
      if (answer.type === 'warm') warm.resolve()
      else if (answer.type === 'marked') marked.resolve()
      else if (answer.type === 'result') result.resolve(answer.result)
      else fail(new Error(answer.message))
    },
  })
  const stderr = child.stderr.text()
  const tell = (command: Command) => child.send(command)
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  child.exited.then(async () => {
    const last = (await stderr).trim().split('\n').at(-1) ?? ''
    fail(
      signal.reason ?? new Error(`its process ended (${child.signalCode ?? child.exitCode}) ${last}`.trim()),
    )
  })
  tell({ type: 'start', ...start })
  return {
    warm: warm.promise,
    result: result.promise,
    mark() {
      tell({ type: 'mark' })
      return marked.promise
    },
    happened: () => tell({ type: 'happened' }),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop)
      stop()
      await child.exited
    },
  }
}
