import { showsColours } from '../terminal/paint.ts'
import { runtimeEnvironment, type ServiceSetup } from '../workspace/service-environment.ts'

/** A service in a process of its own. */
export interface ServiceProcess {
  readonly pid: number
  /** Its exit code, 128 + the signal's number where a signal ended it, once all its output was forwarded. */
  readonly exited: Promise<number>
  /** Sends SIGTERM, on which it drains and ends, and kills it when that takes longer than allowed. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): void
}

/** On top of the service's own SHUTDOWN_TIMEOUT, after which it ends by itself. */
const graceMs = 2_000
const defaultShutdownSeconds = 8

/**
 * Starts a service with exactly the environment of its setup.
 *
 * In a process group of its own: Ctrl-C in the terminal reaches this process only, which stops the services in order.
 * Bun's `--no-orphans` ends the service when this process dies without having done so.
 */
export function startService(setup: ServiceSetup, onLine: (line: string) => void): ServiceProcess {
  const { service } = setup
  const environment = runtimeEnvironment(setup)
  if (showsColours()) environment.FORCE_COLOR ??= '1'
  const child = Bun.spawn([process.execPath, '--no-orphans', '--no-env-file', 'src/index.ts'], {
    cwd: service.folder,
    env: environment,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
  const exited = Promise.all([
    child.exited,
    eachLine(child.stdout, onLine),
    eachLine(child.stderr, onLine),
  ]).then(([exitCode]) => exitCode)
  const seconds = Number(environment.SHUTDOWN_TIMEOUT || defaultShutdownSeconds)
  const limitMs = (Number.isFinite(seconds) ? seconds : defaultShutdownSeconds) * 1000 + graceMs
  return {
    pid: child.pid,
    exited,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
      await exited
      clearTimeout(timer)
    },
    kill: () => child.kill('SIGKILL'),
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
  if (rest !== '') onLine(rest)
}
