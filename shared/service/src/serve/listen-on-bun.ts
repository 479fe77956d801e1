import type { Listening, ServerOptions } from './listening.ts'

/** What is used of Bun's own server, written down here because Node's projects do not have Bun's types. */
interface BunRuntime {
  serve(options: {
    fetch: ServerOptions['fetch']
    hostname: string
    port: number
    idleTimeout: number
    development: boolean
    error: (error: unknown) => Response
  }): Listening
}

/** Opens a port with Bun's own server. @throws what Bun does, with a code. */
export function open({ fetch, hostname, port, idleSeconds, onError }: ServerOptions): Listening {
  const { Bun } = globalThis as unknown as { Bun: BunRuntime }
  return Bun.serve({
    fetch,
    hostname,
    port,
    // Not begun anew by the bytes of a head. That of a connection's first request has about 10 s, which Bun sets itself.
    idleTimeout: idleSeconds,
    // Bun's error page shows source and values.
    development: false,
    error: onError,
  })
}
