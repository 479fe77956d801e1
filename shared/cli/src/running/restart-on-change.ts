import { existsSync } from 'node:fs'
import { composeEnvironments, type ServiceSetup } from '../workspace/service-environment.ts'
import type { ServiceGroup } from './service-group.ts'
import { watchFiles } from './watch-files.ts'

/**
 * Restarts each service when its files change, with its environment read again, one restart of a service at a time. A service
 * whose folder is removed is stopped.
 */
export function restartOnChange(
  setups: readonly ServiceSetup[],
  group: ServiceGroup,
  signal: AbortSignal,
): Disposable {
  const restarts = new Map<string, Promise<void>>()
  const restart = async (setup: ServiceSetup, path: string): Promise<void> => {
    if (signal.aborted) return
    const { service, folder } = setup.service
    if (!existsSync(folder)) {
      if (group.process(service) === null) return
      console.log(`${service} stops: its folder was removed`)
      return group.end(service)
    }
    console.log(`${service} restarts: ${path} changed`)
    try {
      await group.restart(readAgain(setup))
    } catch (error) {
      console.error(`${service} was not restarted: ${error instanceof Error ? error.message : error}`)
    }
  }
  try {
    return watchFiles(
      setups.map(({ service }) => service),
      (names, path) => {
        for (const setup of setups.filter(({ service }) => names.includes(service.service))) {
          const { service } = setup.service
          restarts.set(
            service,
            (restarts.get(service) ?? Promise.resolve()).then(() => restart(setup, path)),
          )
        }
      },
    )
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error'
    console.error(`files are not watched (${reason}): start dev again after a change`)
    return { [Symbol.dispose]: () => undefined }
  }
}

/** Keeps what the start decided: the port that was found for 0, and the server of a service that is not external. */
function readAgain(before: ServiceSetup): ServiceSetup {
  const [now = before] = composeEnvironments([before.service], { mode: before.environment.NODE_ENV })
  const { PORT, DATABASE_HOST, DATABASE_PORT } = before.environment
  const environment = { ...now.environment }
  if (environment.PORT === '0' && PORT !== undefined) environment.PORT = PORT
  if (!now.external && !before.external) Object.assign(environment, { DATABASE_HOST, DATABASE_PORT })
  return { ...now, environment }
}
