import { type Colour, paint } from '../terminal/paint.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'
import { type ServiceProcess, startService } from './service-process.ts'

/** Services that run side by side under this process. */
export interface ServiceGroup {
  /** Starts a service; what it writes goes to standard output with its name before each line. */
  start(setup: ServiceSetup): void
  /** Ends the service's process if it has one, in order, and starts it again. */
  restart(setup: ServiceSetup): Promise<void>
  /** Ends the service's process if it has one, in order. */
  end(service: string): Promise<void>
  /** The process of a service, null once it has ended. */
  process(service: string): ServiceProcess | null
  /** Resolves when no service runs any more. */
  readonly finished: Promise<void>
  /** Stops all of them together, in order. */
  stop(): Promise<void>
  /** Ends all of them at once. */
  kill(): void
}

const colours: readonly Colour[] = ['cyan', 'magenta', 'yellow', 'blue', 'green']

/**
 * Creates a group.
 *
 * @param options.names Every service that may run in it.
 * @param options.onExit Called when a service ends by itself.
 * @param options.prefix Whether lines begin with the service's name.
 */
export function createServiceGroup(options: {
  names: readonly string[]
  prefix: boolean
  onExit: (service: string, exitCode: number) => void
}): ServiceGroup {
  const running = new Map<string, ServiceProcess>()
  const expected = new Set<ServiceProcess>()
  const finished = Promise.withResolvers<void>()
  const width = Math.max(...options.names.map((name) => name.length))
  let stopping = false

  const start = (setup: ServiceSetup): void => {
    const name = setup.service.service
    const colour = colours[options.names.indexOf(name) % colours.length] ?? 'cyan'
    const prefix = options.prefix ? `${paint(colour, `${name.padEnd(width)} |`)} ` : ''
    const child = startService(setup, (line) => console.log(`${prefix}${line}`))
    running.set(name, child)
    child.exited.then((exitCode) => {
      if (running.get(name) === child) running.delete(name)
      if (!expected.has(child)) options.onExit(name, exitCode)
      if (running.size === 0 && (stopping || !expected.has(child))) finished.resolve()
    })
  }
  const stopOne = async (child: ServiceProcess): Promise<void> => {
    expected.add(child)
    await child.stop()
  }

  return {
    start,
    async restart(setup) {
      const child = running.get(setup.service.service)
      if (child !== undefined) await stopOne(child)
      if (!stopping) start(setup)
    },
    async end(service) {
      const child = running.get(service)
      if (child !== undefined) await stopOne(child)
    },
    process: (service) => running.get(service) ?? null,
    finished: finished.promise,
    async stop() {
      stopping = true
      await Promise.all([...running.values()].map(stopOne))
    },
    kill() {
      stopping = true
      for (const child of running.values()) {
        expected.add(child)
        child.kill()
      }
    },
  }
}
