import { ConsolePortError, type RunningConsole, serveConsole, type Target } from '@shared/console'
import { describeHolder } from '@shared/postgres'
import { UsageError } from '../command-line/errors.ts'
import { baseUrl, type ServiceSetup } from '../workspace/service-environment.ts'

/** The console beside running services. */
export interface DevelopmentConsole extends AsyncDisposable {
  /** For people: where the console is, or why it is not here, as of now. */
  readonly notice: string
}

const defaultPort = 8000
/** How long a page may be without a console after the program that served it has ended. */
const takeOverMs = 500

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

/**
 * Serves the console for the services. Where another program has its port, such as a second `dev`, development goes on
 * without it until that program ends.
 *
 * @param onTakeOver Told in a sentence when the port has become free and the console is served here.
 */
export async function startDevelopmentConsole(
  setups: readonly ServiceSetup[],
  port: number,
  onTakeOver: (notice: string) => void,
): Promise<DevelopmentConsole> {
  const targets = targetsOf(setups)
  let served = tryToServe(targets, port)
  let timer: ReturnType<typeof setInterval> | undefined
  let notice = ''
  if (!(served instanceof ConsolePortError)) notice = `console: ${served.url}`
  else if (!served.taken) notice = `no console: ${served.message}; set CONSOLE_PORT, or run bun run console`
  else {
    notice = `console: ${served.message} by ${await describeHolder(port)}; it is served here once that has ended`
    timer = setInterval(() => {
      served = tryToServe(targets, port)
      if (served instanceof ConsolePortError) return
      clearInterval(timer)
      notice = `console: ${served.url}`
      onTakeOver(`${notice} is served by this bun run dev now`)
    }, takeOverMs)
  }
  return {
    get notice() {
      return notice
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      if (!(served instanceof ConsolePortError)) await served.stop()
    },
  }
}

function tryToServe(targets: readonly Target[], port: number): RunningConsole | ConsolePortError {
  try {
    return serveConsole({ targets, port })
  } catch (error) {
    if (error instanceof ConsolePortError) return error
    throw error
  }
}
