import { composeEnvironments, type ServiceSetup } from './service-environment.ts'
import type { ServiceGroup } from './service-group.ts'
import { watchFiles } from './watch-files.ts'

/** Restarts each service when its files change, with its environment read anew, one restart of a service at a time. */
export function restartOnChange(
  setups: readonly ServiceSetup[],
  group: ServiceGroup,
  signal: AbortSignal,
): Disposable {
  const turns = new Map<string, Promise<void>>()
  const restart = async (setup: ServiceSetup, path: string): Promise<void> => {
    if (signal.aborted) return
    console.log(`${setup.service.service} restarts: ${path} changed`)
    try {
      await group.restart(readAgain(setup))
    } catch (error) {
      console.error(
        `${setup.service.service} was not restarted: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
  try {
    return watchFiles(
      setups.map(({ service }) => service),
      (names, path) => {
        for (const setup of setups.filter(({ service }) => names.includes(service.service))) {
          const { service } = setup.service
          turns.set(
            service,
            (turns.get(service) ?? Promise.resolve()).then(() => restart(setup, path)),
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

/** What the start found out stays: a port that was taken for 0, and the server of a service that is still ours. */
function readAgain(before: ServiceSetup): ServiceSetup {
  const [now = before] = composeEnvironments([before.service], { mode: before.environment.NODE_ENV })
  const { PORT, DATABASE_HOST, DATABASE_PORT } = before.environment
  const environment = { ...now.environment }
  if (environment.PORT === '0' && PORT !== undefined) environment.PORT = PORT
  if (!now.external && !before.external) Object.assign(environment, { DATABASE_HOST, DATABASE_PORT })
  return { ...now, environment }
}
