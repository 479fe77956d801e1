import { ConsolePortError, serveConsole } from '@shared/console'
import { consolePort, defaultConsolePort } from './console-port.ts'
import type { ServiceSetup } from './service-environment.ts'
import { targetsOf } from './targets.ts'

/** The console beside running services. */
export interface DevelopmentConsole extends AsyncDisposable {
  /** A line that says where it is, or why it is not there. */
  readonly notice: string
}

/** The port of CONSOLE_PORT, else 8000, or a free one where the services take free ones. @throws {UsageError} */
export function developmentConsolePort(): number {
  return consolePort(
    'CONSOLE_PORT',
    process.env.CONSOLE_PORT,
    process.env.PORT === '0' ? 0 : defaultConsolePort,
  )
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
