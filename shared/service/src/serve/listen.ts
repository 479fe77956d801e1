import type { Logger } from '../log/logger.ts'
import type { Listening, ServerOptions } from './listening.ts'
import { portFailure } from './start-failure.ts'

/** What `listen` needs. */
export interface ListenOptions {
  fetch: ServerOptions['fetch']
  host: string
  /** 0 takes a free port. */
  port: number
  /** Longest time in seconds of an answer, and of the wait for the next request on its connection; 255 at most. Default 65. */
  idleSeconds?: number
  logger: Logger
}

/**
 * Starts to accept connections, with the server of the runtime: Bun's own, or Node's.
 *
 * @throws {StartFailure} The port or the address is not available; the message names it and what to do.
 */
export async function listen({
  fetch,
  host,
  port,
  idleSeconds = 65,
  logger,
}: ListenOptions): Promise<Listening> {
  const onError = (error: unknown) => {
    logger.error({ err: error }, 'a request failed outside the app')
    return new Response(null, { status: 500 })
  }
  try {
    // Each is loaded where it is used alone: neither runtime has the other's.
    const { open } = await (process.versions.bun === undefined
      ? import('./listen-on-node.ts')
      : import('./listen-on-bun.ts'))
    return await open({ fetch, hostname: host, port, idleSeconds, onError })
  } catch (error) {
    throw portFailure(error, host, port)
  }
}
