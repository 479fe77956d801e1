import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { parseAdminUrl } from '../admin-connection.ts'
import { type Place, resolvePlace } from '../server/place.ts'
import { commandOf, isAlive, sendSignal } from '../server/processes.ts'
import { canReach, spawnAs } from '../server/server-user.ts'
import { lastingPort } from './lasting-port.ts'
import { testDataRoot } from './test-settings.ts'

/** A PgBouncer that can be started here. */
export interface PgBouncerProgram {
  readonly path: string
  /** `1.24.1`. */
  readonly version: string
  /** Whether it can track prepared statements in transaction mode (`max_prepared_statements`, from 1.21 on). */
  readonly tracks: boolean
}

/** A PgBouncer of one test's own. */
export interface PgBouncer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Another one after each restart. */
  readonly pid: number
  /** A URL of the target, led through the pooler. */
  url(urlOfTarget: string): string
  /** Runs a command of its console: `PAUSE`, `RESUME`, `SHOW POOLS` … */
  console(command: string): Promise<Record<string, string>[]>
  /** Writes other settings over those that it was started with, and has it read them. */
  reload(settings: Readonly<Record<string, string>>): Promise<void>
  /** Kills it, if it runs, and starts it again on the same port. */
  restart(): Promise<void>
  /** Kills it: its connections are reset, and new ones refused. */
  kill(): Promise<void>
  /** Stops it in its tracks: connections stay, new ones are accepted by the system, and nothing is answered. */
  freeze(): void
  thaw(): void
}

const host = '127.0.0.1'
const consoleUser = { name: 'console', password: 'console' }
const startMs = 60_000
const running = new Set<PgBouncer>()
let count = 0

/**
 * The PgBouncers of this machine: those of `PGBOUNCER` (paths, with colons between), else the one that is installed.
 * `REQUIRE_PGBOUNCER` makes it an error that there is none.
 */
export function pgBouncerPrograms(): PgBouncerProgram[] {
  const given = process.env.PGBOUNCER?.split(':').filter(Boolean)
  const paths = given ?? [Bun.which('pgbouncer', { PATH: `${process.env.PATH}:/usr/sbin` })]
  const programs = paths.flatMap((path) => {
    const { stdout } = path ? spawnSync(path, ['--version'], { encoding: 'utf8' }) : { stdout: '' }
    const [, version, minor] = /^PgBouncer (\d+\.(\d+)\S*)/.exec(stdout ?? '') ?? []
    return path && version ? [{ path, version, tracks: Number(minor) >= 21 }] : []
  })
  if (programs.length === 0 && process.env.REQUIRE_PGBOUNCER)
    throw new Error(
      'REQUIRE_PGBOUNCER is set, and there is no PgBouncer: install pgbouncer, or name it in PGBOUNCER.',
    )
  return programs
}

/**
 * Starts a PgBouncer before a server; disposing it, or the end of the run, kills it. Its users are those of the URLs, and
 * log in to the server as themselves.
 *
 * @param options.urls URLs of one server.
 * @param options.settings Of its section `pgbouncer`. Default: its own defaults, and `pool_mode` transaction.
 */
export async function startPgBouncer(options: {
  program: PgBouncerProgram
  urls: readonly string[]
  settings?: Readonly<Record<string, string>>
}): Promise<PgBouncer> {
  sweepPgBouncers(testDataRoot())
  const place = resolvePlace(testDataRoot(), { create: true }) as Place
  const folder = join(place.root, 'poolers', `${process.pid}-${++count}`)
  const port = await lastingPort()
  const files = {
    settings: join(folder, 'pgbouncer.ini'),
    users: join(folder, 'users.txt'),
    pid: join(folder, 'pid'),
    log: join(folder, 'log'),
  }
  for (const path of [join(place.root, 'poolers'), folder]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chownSync(path, place.user.uid, place.user.gid)
  }
  const logins = [
    ...options.urls.map(parseAdminUrl),
    { user: consoleUser.name, password: consoleUser.password },
  ]
  const users = new Map(logins.map(({ user, password }) => [user, password]))
  write(
    files.users,
    [...users].map((login) => login.map((word) => `"${word.replaceAll('"', '""')}"`).join(' ')),
  )
  const target = parseAdminUrl(options.urls[0] as string)
  writeSettings({})
  let child: ChildProcess | null = null
  let disposed: Promise<void> | null = null

  /** Readable for its user only: a password is in it. */
  function write(path: string, lines: readonly string[]): void {
    rmSync(path, { force: true })
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
    chownSync(path, place.user.uid, place.user.gid)
  }

  function writeSettings(changed: Readonly<Record<string, string>>): void {
    const settings = {
      pool_mode: 'transaction',
      ...options.settings,
      ...changed,
      listen_addr: host,
      listen_port: String(port),
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: files.users,
      admin_users: consoleUser.name,
    }
    write(files.settings, [
      '[databases]',
      `* = host=${target.host} port=${target.port}`,
      '[pgbouncer]',
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    ])
  }

  async function start(): Promise<void> {
    const deadline = performance.now() + startMs
    for (;;) {
      const log = openSync(files.log, 'a', 0o600)
      const started = spawn(options.program.path, [files.settings], {
        ...spawnAs(place.user, '/'),
        stdio: ['ignore', log, log],
      })
      closeSync(log)
      child = started
      writeFileSync(files.pid, String(started.pid))
      while (started.exitCode === null && performance.now() < deadline) {
        if (await accepts(port)) return
        await sleep(10)
      }
      // While the port was free somebody's outgoing connection may have got it.
      if (performance.now() < deadline && readFileSync(files.log, 'utf8').includes('in use')) continue
      await kill()
      throw new Error(`PgBouncer did not start:\n${readFileSync(files.log, 'utf8')}`)
    }
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async function runOnConsole(command: string): Promise<Record<string, string>[]> {
    const sql = postgres({
      host,
      port,
      database: 'pgbouncer',
      user: consoleUser.name,
      password: consoleUser.password,
      max: 1,
      fetch_types: false,
      onnotice: () => {},
    })
    try {
      return [...(await sql.unsafe(command))]
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  const handle: PgBouncer = {
    host,
    port,
    get pid() {
      return child?.pid ?? 0
    },
    url(urlOfTarget) {
      const url = new URL(urlOfTarget)
      url.host = `${host}:${port}`
      return url.href
    },
    console: runOnConsole,
    async reload(settings) {
      writeSettings(settings)
      await runOnConsole('RELOAD')
    },
    async restart() {
      await kill()
      await start()
    },
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]() {
      running.delete(handle)
      disposed ??= kill().then(() => rmSync(folder, { recursive: true, force: true }))
      return disposed
    },
  }
  if (!canReach(place.user, folder, 'write'))
    throw new Error(`User ${place.user.name} can not use ${folder}.`)
  await start()
  running.add(handle)
  return handle
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

/** Kills every PgBouncer that a test of this run left. */
export async function stopPgBouncers(): Promise<void> {
  await Promise.all([...running].map((pooler) => pooler[Symbol.asyncDispose]()))
}

/** Kills and removes those of processes that were killed. */
export function sweepPgBouncers(dataRoot: string): void {
  const place = resolvePlace(dataRoot, { create: false })
  const root = place && join(place.root, 'poolers')
  if (!root || !existsSync(root)) return
  for (const name of readdirSync(root)) {
    if (isAlive(Number.parseInt(name, 10))) continue
    const folder = join(root, name)
    const file = join(folder, 'pid')
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
    if (pid > 0 && commandOf(pid)?.includes(folder)) sendSignal(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}
