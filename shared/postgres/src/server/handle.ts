import { setTimeout as sleep } from 'node:timers/promises'
import { type Attachment, countUsers } from './attachment.ts'
import type { Place } from './place.ts'
import { findRunning, type Lifetime, postmasterPid, type RunningServer } from './running-server.ts'
import { type StopOptions, stopProcess } from './server-process.ts'
import { lockTimeoutMs, withStartLock } from './start-lock.ts'

/** A running local server that this process uses. */
export interface LocalPostgres extends AsyncDisposable {
  /** Superuser's URL. This and the next ones are as of the last start or restart through this object. */
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  /** `18.4` */
  readonly version: string
  /** The postmaster's process id. */
  readonly pid: number
  readonly lifetime: Lifetime
  readonly dataDirectory: string
  readonly logFile: string
  /** False where it ran already and was joined. */
  readonly startedHere: boolean
  /** What holds the preferred port, in words; null if the server got that port. */
  readonly portTakenBy: string | null
  /** Stops the server for everybody; resolves also if it does not run. Throws `STOP_FAILED`. */
  stop(options?: StopOptions): Promise<void>
  /** Stops and starts it on the same port; also starts one that was stopped or killed. Throws `PORT_TAKEN`, `START_FAILED`. */
  restart(options?: RestartOptions): Promise<void>
  /**
   * Ends this use, once; the last user of a `session` server stops it.
   *
   * `shared`: somebody else still uses it. `left-running`: a daemon stays.
   */
  release(): Promise<'stopped' | 'shared' | 'left-running'>
  /** Ends this use and leaves the server as it is, also a `session` server that has no other user now. */
  leave(): Promise<void>
}

/** How a server is stopped and started again. */
export interface RestartOptions extends StopOptions {
  /** Called in between, while nobody else can start it. If it rejects, so does the restart, and the server stays stopped. */
  whileStopped?: () => Promise<void>
}

/** A server that was started or joined. */
export interface Started {
  readonly server: RunningServer
  readonly startedHere: boolean
  readonly portTakenBy: string | null
}

/** What a user of a server holds in hand; see LocalPostgres. */
export function createHandle(
  place: Place,
  attachment: Attachment,
  started: Started,
  startAgain: (port: number, lifetime: Lifetime) => Promise<Started>,
): LocalPostgres {
  let server = started.server
  let released: Promise<'stopped' | 'shared' | 'left-running'> | null = null

  const stopHere = async (options?: StopOptions): Promise<void> => {
    const pid = postmasterPid(place)
    if (pid !== null) await stopProcess(place, pid, options)
  }
  const release = (): Promise<'stopped' | 'shared' | 'left-running'> =>
    withStartLock(place, lockTimeoutMs, async () => {
      try {
        // A server that does not answer is stopped as if alone: nobody can be using it.
        const running = await findRunning(place, 5_000).catch(() => null)
        if (running === null && postmasterPid(place) === null) return 'stopped'
        // Who joined a session's server owns it also after somebody stopped it and started a daemon underneath.
        const owned = started.server.lifetime === 'session' || running?.lifetime === 'session'
        if (!owned) return 'left-running'
        const alone = running === null || (await attachment.isAlone())
        // Let go before the stop, or the attachment would try to come back to a server that shuts down.
        await attachment.pause()
        if (!alone) return 'shared'
        await stopHere()
        return 'stopped'
      } finally {
        await attachment.pause()
      }
    })

  return {
    host: '127.0.0.1',
    dataDirectory: place.dataDirectory,
    logFile: place.logFile,
    startedHere: started.startedHere,
    portTakenBy: started.portTakenBy,
    get adminUrl() {
      return server.adminUrl
    },
    get port() {
      return server.port
    },
    get version() {
      return server.version
    },
    get pid() {
      return server.pid
    },
    get lifetime() {
      return server.lifetime
    },
    async stop(options) {
      await attachment.pause()
      await withStartLock(place, lockTimeoutMs, () => stopHere(options))
    },
    async restart(options) {
      await withStartLock(place, lockTimeoutMs, async () => {
        const users = await countUsers(server.adminUrl).catch(() => 0)
        await stopHere(options)
        await options?.whileStopped?.()
        server = (await startAgain(server.port, server.lifetime)).server
        await attachment.resume()
        await waitForUsers(server.adminUrl, users)
      })
    },
    release() {
      released ??= release()
      return released
    },
    leave: () => attachment.pause(),
    async [Symbol.asyncDispose]() {
      await this.release()
    },
  }
}

// Only who has ended meanwhile makes it take so long.
const usersMs = 10_000

/** Gives the other users of a restarted server time to take their hold again, before anybody can count them as gone. */
async function waitForUsers(adminUrl: string, users: number): Promise<void> {
  const deadline = performance.now() + usersMs
  while (performance.now() < deadline && (await countUsers(adminUrl)) < users) await sleep(25)
}
