import { createConsoleApp } from './app.tsx'
import type { Target } from './read-monitor.ts'
import { watchServices } from './watch-services.ts'

/** A console that runs. */
export interface RunningConsole {
  /** Where to point a browser: `http://127.0.0.1:8000`. */
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** What {@link serveConsole} takes. */
export interface ConsoleOptions {
  readonly targets: readonly Target[]
  /** 0 takes a free one. Default 8000. */
  readonly port?: number
  /** Default 127.0.0.1: who reaches the console reads what the services' tokens guard. */
  readonly host?: string
}

/** The port could not be had. */
export class ConsolePortError extends Error {
  override readonly name = 'ConsolePortError'
  readonly port: number
  /** Whether another program has it. */
  readonly taken: boolean

  constructor(port: number, cause: unknown) {
    const { code, message } = cause as { code?: unknown; message?: unknown }
    const taken = code === 'EADDRINUSE'
    super(taken ? `port ${port} is taken` : `port ${port} cannot be used (${code ?? message})`, { cause })
    this.port = port
    this.taken = taken
  }
}

/** Serves the console until it is stopped. @throws {ConsolePortError} */
export function serveConsole(options: ConsoleOptions): RunningConsole {
  const { targets, port = 8000, host = '127.0.0.1' } = options
  const watch = watchServices({ targets })
  const app = createConsoleApp({ targets, watch, hosts: loopback.has(host) ? loopback : null })
  // Its streams are never idle for long: the services are asked every second and answer, or fail to, within two.
  const idleTimeout = 30
  let server: Bun.Server<undefined>
  try {
    server = Bun.serve({ hostname: host, port, idleTimeout, fetch: (request) => app.fetch(request) })
  } catch (error) {
    throw new ConsolePortError(port, error)
  }
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${server.port}`,
    port: server.port ?? port,
    async stop() {
      watch.stop()
      await server.stop(true)
    },
  }
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])
