import { setTimeout as sleep } from 'node:timers/promises'
import { type Exchange, KeepAliveClient, NotConnected } from './keep-alive-client.ts'

/** What to request, and how much. */
export interface LoadOptions {
  url: string
  path: string
  /** Clients at work at once, each with one connection and one request at a time. Default 64. */
  connections?: number
  /** No request follows after so many. Default 200 000. */
  maxRequests?: number
}

/** What clients saw. */
export interface LoadReport {
  requests: number
  succeeded: number
  /** Everything but a 200, in the order of their ends. */
  failed: Exchange[]
  /** Ids of the requests that were answered by 200. */
  succeededIds: ReadonlySet<string>
  /** Attempts to connect that were refused or reset; no request was sent on those. */
  notConnected: number
  elapsedMs: number
}

/** A load under way. */
export interface Load {
  /** Requests answered so far, whatever the answer. */
  readonly answered: number
  readonly succeeded: number
  /** Ends every client when its request is answered. */
  stop(): Promise<LoadReport>
}

/** Puts a service under load: clients that send the next request as soon as the last one is answered, and record what fails. */
export function startLoad(options: LoadOptions): Load {
  const { path, connections = 64, maxRequests = 200_000 } = options
  const url = new URL(options.url)
  const startedAt = performance.now()
  const failed: Exchange[] = []
  const succeededIds = new Set<string>()
  let sent = 0
  let notConnected = 0
  let stopped = false

  async function work(): Promise<void> {
    const client = new KeepAliveClient(url)
    while (!stopped && sent < maxRequests) {
      try {
        const exchange = await client.get(path, `load-${++sent}`)
        if (exchange.status === 200) succeededIds.add(exchange.id)
        else failed.push(exchange)
      } catch (error) {
        if (!(error instanceof NotConnected)) throw error
        notConnected++
        await sleep(5)
      }
    }
    client.close()
  }

  const done = Promise.all(Array.from({ length: connections }, work))
  return {
    get answered() {
      return succeededIds.size + failed.length
    },
    get succeeded() {
      return succeededIds.size
    },
    async stop() {
      stopped = true
      await done
      const succeeded = succeededIds.size
      const elapsedMs = performance.now() - startedAt
      return { requests: succeeded + failed.length, succeeded, failed, succeededIds, notConnected, elapsedMs }
    },
  }
}
