import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { LocalPostgresError } from '../errors.ts'
import type { Binaries } from './binaries.ts'
import type { Place } from './place.ts'
import { childrenOf, isAlive, sendSignal, waitForExit } from './processes.ts'
import {
  ask,
  clusterNameOf,
  type Lifetime,
  postmasterPid,
  type RunningServer,
  readPostmasterFile,
} from './running-server.ts'
import { logTail, openServerLog } from './server-log.ts'
import { spawnAs } from './server-user.ts'

/** What one server process is started with. */
export interface LaunchOptions {
  port: number
  lifetime: Lifetime
  /** Server settings by name; those that the launcher needs for itself are refused by {@link checkSettings}. */
  settings: Readonly<Record<string, string>>
  timeoutMs: number
}

const reserved = [
  'cluster_name',
  'data_directory',
  'listen_addresses',
  'log_destination',
  'logging_collector',
  'port',
]

/** Throws `OPTIONS` for a setting that is no setting name or that the launcher sets itself. */
export function checkSettings(settings: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(settings)) {
    if (!/^[a-z_][a-z0-9_.]*$/.test(name) || reserved.includes(name)) {
      throw new LocalPostgresError(
        'OPTIONS',
        `"${name}" cannot be given as a setting: ${reserved.join(', ')} are ours.`,
      )
    }
  }
}

/** Started, or `'port-taken'`: somebody was faster on that port, choose another. */
export type Launch = RunningServer | 'port-taken'

/**
 * Starts the server process in a session of its own, so that Ctrl-C in the terminal does not reach it, and waits for a
 * query to succeed. The caller holds the start lock. Throws `START_FAILED` with the log's last lines.
 */
export async function launch(place: Place, binaries: Binaries, options: LaunchOptions): Promise<Launch> {
  const deadline = performance.now() + options.timeoutMs
  for (;;) {
    const result = await launchOnce(place, binaries, options, deadline)
    if (result !== 'memory-in-use') return result
    // Backends of a killed postmaster take a moment to notice; PostgreSQL refuses to start beside them.
    await sleep(100)
  }
}

async function launchOnce(
  place: Place,
  binaries: Binaries,
  options: LaunchOptions,
  deadline: number,
): Promise<Launch | 'memory-in-use'> {
  const log = openServerLog(place)
  const settings: Record<string, string> = {
    // A socket's path is limited to 107 bytes, which a deep checkout exceeds.
    unix_socket_directories: '',
    ...options.settings,
    listen_addresses: '127.0.0.1',
    cluster_name: clusterNameOf(options.lifetime),
    logging_collector: 'off',
    log_destination: 'stderr',
  }
  const args = ['-D', place.dataDirectory, '-p', String(options.port)]
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const child = spawn(binaries.postgres, args, {
    ...spawnAs(place.user, place.root),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  log.close()
  let ended: string | null = null
  child.once('exit', (code, signal) => {
    ended = `ended with ${signal ?? `exit code ${code}`}`
  })
  child.once('error', (error) => {
    ended = error.message
  })
  child.unref()

  let answer = 'not listening yet'
  while (ended === null && performance.now() < deadline) {
    const pid = postmasterPid(place)
    const port = readPostmasterFile(place)?.port
    if (pid !== null && pid === child.pid && port === options.port) {
      const result = await ask(place, pid, port)
      if (typeof result !== 'string') return result
      answer = result
    }
    await sleep(10)
  }
  const tail = logTail(place, log.startsAt)
  if (ended === null && child.pid !== undefined)
    await stopProcess(place, child.pid, { mode: 'immediate', timeoutMs: 0 })
  if (tail.some((line) => line.includes('could not create any TCP/IP sockets'))) return 'port-taken'
  if (tail.some((line) => line.includes('is still in use')) && performance.now() < deadline)
    return 'memory-in-use'
  throw new LocalPostgresError(
    'START_FAILED',
    `PostgreSQL did not start in ${place.root}: ${ended ?? `no answer within ${options.timeoutMs} ms (${answer})`}. ` +
      `The whole log is ${place.logFile}.`,
    { logTail: tail },
  )
}

/** How a server is stopped. */
export interface StopOptions {
  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash, to be recovered from. Default `fast`. */
  mode?: 'fast' | 'immediate'
  /** What `fast` may take before `immediate` follows, and after a while the kill. Default 10 000. */
  timeoutMs?: number
}

// On SIGQUIT the postmaster itself kills backends that have not gone after 5 s, also frozen ones.
const immediateMs = 7_000
const killMs = 5_000

/** Stops a postmaster: SIGINT, then SIGQUIT, then SIGKILL. Throws `STOP_FAILED` if it outlives all three. */
export async function stopProcess(place: Place, pid: number, options: StopOptions = {}): Promise<void> {
  const steps: [NodeJS.Signals, number][] = [
    ['SIGQUIT', immediateMs],
    ['SIGKILL', killMs],
  ]
  if (options.mode !== 'immediate') steps.unshift(['SIGINT', options.timeoutMs ?? 10_000])
  for (const [signal, waitMs] of steps) {
    const children = childrenOf(pid)
    sendSignal(pid, signal)
    // Frozen processes act on no signal but SIGKILL.
    for (const frozen of [pid, ...children]) sendSignal(frozen, 'SIGCONT')
    const gone = await waitForExit(pid, waitMs)
    // A killed postmaster cannot end its children any more.
    if (signal === 'SIGKILL') for (const child of children.filter(isAlive)) sendSignal(child, 'SIGKILL')
    if (gone) return
  }
  throw new LocalPostgresError(
    'STOP_FAILED',
    `The server in ${place.root} (process ${pid}) does not end, not even killed. Look at the process by hand.`,
    { logTail: logTail(place) },
  )
}
