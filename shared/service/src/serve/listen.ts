import type { Logger } from '../log/logger.ts'
import { portFailure } from './start-failure.ts'

/** What `listen` needs. */
export interface ListenOptions {
  fetch: (request: Request) => Response | Promise<Response>
  host: string
  /** 0 takes a free port. */
  port: number
  logger: Logger
}

// Bun's default of 10 s would reset a request that waits in the pool's queue (30 s) instead of answering it. Longer than
// the 60 s after which load balancers close an idle connection.
const idleTimeoutSeconds = 120

/**
 * Starts to accept connections.
 *
 * @throws {StartFailure} The port or the address is not available; the message names it and what to do.
 */
export function listen({ fetch, host, port, logger }: ListenOptions): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: host,
      port,
      fetch: (request) => fetch(request),
      idleTimeout: idleTimeoutSeconds,
      // Bun's error page shows source and values.
      development: false,
      error(error) {
        logger.error({ err: error }, 'a request failed outside the app')
        return new Response(null, { status: 500 })
      },
    })
  } catch (error) {
    throw portFailure(error, host, port)
  }
}
