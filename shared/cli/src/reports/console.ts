import { ConsolePortError, serveConsole, type Target } from '@shared/console'
import { UsageError } from '../command-line/errors.ts'
import { baseUrl, type ServiceSetup } from '../workspace/service-environment.ts'

/** The console beside running services. */
export interface DevelopmentConsole extends AsyncDisposable {
  /** For people: where the console is, or why there is none. */
  readonly notice: string
}

const defaultPort = 8000

/** The address, and the token for its reports, of each service. */
export function targetsOf(setups: readonly ServiceSetup[]): Target[] {
  return setups.map((setup) => ({
    name: setup.service.service,
    url: baseUrl(setup),
    token: setup.environment.HEALTH_TOKEN || undefined,
  }))
}

/** Reads a port for the console, 8000 by default; 0 takes a free one. @throws {UsageError} It is not a port. */
export function consolePort(name: string, text: string | undefined, fallback = defaultPort): number {
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`${name} must be a port from 0 to 65535, not ${text}`)
  return port
}

/** The port of CONSOLE_PORT, else 8000, or a free one where the services take free ones. @throws {UsageError} */
export function developmentConsolePort(): number {
  return consolePort('CONSOLE_PORT', process.env.CONSOLE_PORT, process.env.PORT === '0' ? 0 : defaultPort)
}

/** Serves the console for the services; where its port is taken, development goes on without it. */
export function startDevelopmentConsole(setups: readonly ServiceSetup[], port: number): DevelopmentConsole {
  try {
    const server = serveConsole({ targets: targetsOf(setups), port })
    return { notice: `console: ${server.url}`, [Symbol.asyncDispose]: () => server.stop() }
  } catch (error) {
    if (!(error instanceof ConsolePortError)) throw error
    const notice = `no console: ${error.message}; set CONSOLE_PORT, or run bun run console`
    return { notice, [Symbol.asyncDispose]: async () => undefined }
  }
}
