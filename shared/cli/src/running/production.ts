import { aborted, listenForStop } from '../command-line/stop-request.ts'
import { composeEnvironments } from '../workspace/service-environment.ts'
import type { Service } from '../workspace/services.ts'
import { createServiceGroup } from './service-group.ts'

/** Runs services in production mode until a signal stops them or one of them ends; returns the exit code. */
export async function runProduction(services: readonly Service[]): Promise<number> {
  using stop = listenForStop()
  const ended = Promise.withResolvers<number>()
  const names = services.map(({ service }) => service)
  const group = createServiceGroup({
    names,
    // The log lines of a service on its own stay what they are: JSON.
    prefix: names.length > 1,
    onExit(service, exitCode) {
      console.error(`${service} ended with exit code ${exitCode}`)
      ended.resolve(exitCode === 0 ? 1 : exitCode)
    },
  })
  const run = async (): Promise<number> => {
    for (const setup of composeEnvironments(services, { mode: 'production' })) group.start(setup)
    const exitCode = await Promise.race([aborted(stop.signal).then(() => 0), ended.promise])
    await group.stop()
    return exitCode
  }
  const force = async (): Promise<number> => {
    const exitCode = await stop.forced
    group.kill()
    await group.stop()
    return exitCode
  }
  const exitCode = await Promise.race([run(), force()])
  return stop.forcedExitCode ?? exitCode
}
