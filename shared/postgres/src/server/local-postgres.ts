import { LocalPostgresError } from '../errors.ts'
import { createAttachment } from './attachment.ts'
import { type Binaries, prepareBinaries } from './binaries.ts'
import { checkDataDirectory, ensureDataDirectory, initialise } from './data-directory.ts'
import { createHandle, type LocalPostgres, type Started } from './handle.ts'
import { defaultDataRoot, type Place, resolvePlace } from './place.ts'
import { choosePort, describeHolder } from './port.ts'
import { clearReusedPid, findRunning, type Lifetime } from './running-server.ts'
import { checkSettings, launch, stopProcess } from './server-process.ts'
import { reportSettings } from './settings.ts'
import { lockTimeoutMs, withStartLock } from './start-lock.ts'

/** What {@link startPostgres} takes. */
export interface StartOptions {
  /** Folder of the server's data, password and log. Default `.data/postgres` in the repository. */
  dataRoot?: string
  /** Preferred port; the next free one is taken if it is not free. 0 takes any. Default 54320. */
  port?: number
  /** `session`: ends when its last user releases it. `daemon`: runs until it is stopped. Default `session`. */
  lifetime?: Lifetime
  /** Server settings for a start, as in `{ fsync: 'off' }`. A server that already runs keeps its own. */
  settings?: Readonly<Record<string, string>>
  /** How long the server may take until it answers, recovery included. Default 60 000. */
  timeoutMs?: number
  /** Told in a line what is not as asked for: another port, another folder, a server that ran already. */
  onNotice?: (line: string) => void
}

/**
 * Starts the local PostgreSQL server or joins the one that already runs on the same data.
 *
 * Whoever starts or joins has to {@link LocalPostgres.release} it. Throws LocalPostgresError.
 */
export function startPostgres(options: StartOptions = {}): Promise<LocalPostgres> {
  const sync = options.settings?.fsync !== 'off'
  return startServer(options, (place, binaries, onNotice) =>
    ensureDataDirectory(place, binaries, {
      make: (folder) => initialise(place, binaries, { folder, sync }),
      onNotice,
    }),
  )
}

/** Makes or checks the data of a server that does not run, before its start; the start lock is held. */
export type PrepareData = (
  place: Place,
  binaries: Binaries,
  onNotice: (line: string) => void,
) => Promise<void>

/**
 * Starts or joins the server of a data root, as {@link startPostgres} does, on data of another origin.
 *
 * @param prepareData Called unless it is joined. A restart of the handle takes the data as it is then.
 */
export async function startServer(options: StartOptions, prepareData: PrepareData): Promise<LocalPostgres> {
  const onNotice = options.onNotice ?? (() => {})
  const timeoutMs = options.timeoutMs ?? 60_000
  const preferred = options.port ?? 54_320
  const settings = options.settings ?? {}
  checkSettings(settings)
  if (!Number.isInteger(preferred) || preferred < 0 || preferred > 65_535) {
    throw new LocalPostgresError('OPTIONS', `port must be an integer from 0 to 65535, got ${preferred}.`)
  }
  const dataRoot = options.dataRoot ?? defaultDataRoot()
  const place = resolvePlace(dataRoot, { create: true, onNotice })
  if (place === null) throw new LocalPostgresError('DATA_FOLDER', `There is no folder for ${dataRoot}.`)
  const attachment = createAttachment(place, onNotice)

  const startHere = async (
    port: number,
    lifetime: Lifetime,
    { prepare, exact }: { prepare: PrepareData; exact: boolean },
  ): Promise<Started> => {
    const binaries = await prepareBinaries(place.user)
    await prepare(place, binaries, onNotice)
    clearReusedPid(place)
    for (;;) {
      const choice = exact ? { port, takenBy: null } : await choosePort(port)
      const server = await launch(place, binaries, { port: choice.port, lifetime, settings, timeoutMs })
      if (server !== 'port-taken') return { server, startedHere: true, portTakenBy: choice.takenBy }
      if (exact) {
        throw new LocalPostgresError(
          'PORT_TAKEN',
          `Port ${port} is taken by ${await describeHolder(port)}. Free it and try again.`,
        )
      }
    }
  }

  const started = await withStartLock(place, lockTimeoutMs, async () => {
    const running = await findRunning(place, timeoutMs)
    const result =
      running === null
        ? await startHere(preferred, options.lifetime ?? 'session', { prepare: prepareData, exact: false })
        : { server: running, startedHere: false, portTakenBy: null }
    try {
      // Attached before the lock is free, so a user that ends now finds this one and leaves the server running.
      await attachment.resume()
    } catch (error) {
      await attachment.pause()
      if (running === null) await stopProcess(place, result.server.pid)
      throw error
    }
    if (running !== null) await reportSettings(running, settings, onNotice)
    return result
  })
  const { port, lifetime } = started.server
  if (started.portTakenBy !== null)
    onNotice(`port ${preferred} is taken by ${started.portTakenBy}: using ${port}`)
  if (!started.startedHere && preferred !== 0 && port !== preferred)
    onNotice(`the server already runs on port ${port}`)
  if (!started.startedHere && options.lifetime === 'daemon' && lifetime === 'session') {
    onNotice(
      'the server belongs to a session and stops with its last user; stop and start it for one that stays',
    )
  }
  const prepare: PrepareData = async (_, binaries) => checkDataDirectory(place, binaries)
  return createHandle(place, attachment, started, (at, life) => startHere(at, life, { prepare, exact: true }))
}
