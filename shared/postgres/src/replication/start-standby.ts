import { existsSync, readFileSync, rmSync } from 'node:fs'
import { openSession } from '../admin-connection.ts'
import { LocalPostgresError, type LocalPostgresErrorCode } from '../errors.ts'
import { quoteLiteral } from '../provision/quote.ts'
import { ensureDataDirectory, makeDataDirectory } from '../server/data-directory.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { type PrepareData, type StartOptions, startServer } from '../server/local-postgres.ts'
import { type Place, resolvePlace } from '../server/place.ts'
import { writePrivateFile } from '../server/private-file.ts'
import { logSize } from '../server/server-log.ts'
import { allowStandbys } from './allow-standbys.ts'
import { copyPrimary } from './base-backup.ts'
import { type Member, placeOf } from './member.ts'
import { awaitStreaming } from './progress.ts'
import { connectionInfo, isStandbyData, writeStandbySettings } from './standby-data.ts'

/** What {@link startStandby} takes. */
export interface StandbyOptions extends Omit<StartOptions, 'dataRoot'> {
  /** The running primary, on this machine. */
  of: Member
  /** A folder of the standby's own, which also gives it its name in the primary's `pg_stat_replication`. */
  dataRoot: string
}

/** How long a standby may take until it streams. */
const streamMs = 15_000

/**
 * Starts a hot standby of a running primary, or joins the one that runs on the same data; resolves when it streams.
 *
 * A new one is a copy of the primary, with its roles, databases and superuser. One that was there goes on where it was
 * or, where it can follow no more, is copied again. Options are those of `startPostgres`; settings like
 * `max_connections` must not be lower than the primary's.
 *
 * Throws LocalPostgresError: `NO_PRIMARY` where `of` can have no standbys, `NO_STANDBY` where the folder holds the data of a
 * primary, `NOT_STREAMING`, and what `startPostgres` throws.
 */
export async function startStandby(options: StandbyOptions): Promise<LocalPostgres> {
  const { of, dataRoot, onNotice = () => {} } = options
  await allowStandbys(of)
  const before = resolvePlace(dataRoot, { create: false })
  const logStartsAt = before === null ? 0 : logSize(before)
  const server = await startOnItsData(options, before)
  try {
    await followOrCopy(server, of, {
      logStartsAt: server.startedHere ? logStartsAt : logSize(placeOf(server)),
      onNotice,
    })
    return server
  } catch (error) {
    if (server.startedHere) await server.stop()
    await server.release()
    throw error
  }
}

/** Starts or joins it; data on which no server starts, since its history is not the primary's, is made again. */
async function startOnItsData(
  { of, ...options }: StandbyOptions,
  before: Place | null,
): Promise<LocalPostgres> {
  const wasThere = before !== null && isStandbyData(before.dataDirectory)
  try {
    return await startServer(options, prepareStandby(of))
  } catch (error) {
    if (!wasThere || !hasCode(error, 'START_FAILED')) throw error
    options.onNotice?.(copiedAgain(before))
    rmSync(before.dataDirectory, { recursive: true, force: true })
    return await startServer(options, prepareStandby(of))
  }
}

/** Lets a running standby follow the primary; one that cannot is copied again, under those who use it. */
async function followOrCopy(
  standby: LocalPostgres,
  primary: Member,
  { logStartsAt, onNotice }: { logStartsAt: number; onNotice: (line: string) => void },
): Promise<void> {
  try {
    await follow(standby, primary, logStartsAt)
  } catch (error) {
    if (!hasCode(error, 'NOT_STREAMING')) throw error
    onNotice(copiedAgain(placeOf(standby)))
    await standby.restart({ mode: 'immediate', whileStopped: () => copyOver(standby, primary) })
    await followPrimary(standby, primary)
  }
}

const copiedAgain = ({ root }: Place): string =>
  `${root} cannot follow the primary any more: copying it again`

const hasCode = (error: unknown, code: LocalPostgresErrorCode): boolean =>
  error instanceof LocalPostgresError && error.code === code

function prepareStandby(of: Member): PrepareData {
  return async (place, binaries, onNotice) => {
    takePasswords(place, of)
    await ensureDataDirectory(place, binaries, { make: (folder) => makeCopy(place, of, folder), onNotice })
    if (!isStandbyData(place.dataDirectory))
      throw noStandby(`${place.dataDirectory} is the data of a primary.`)
    writeStandbySettings(place, of)
  }
}

async function makeCopy(place: Place, of: Member, folder: string): Promise<void> {
  await copyPrimary(of, folder, place.user)
  writeStandbySettings(place, of, folder)
}

/** Roles come with the copy, so the logins of the primary's files are the standby's too. */
function takePasswords(place: Place, of: Member): void {
  const source = placeOf(of)
  for (const file of ['passwordFile', 'replicationPassFile'] as const) {
    if (existsSync(source[file]))
      writePrivateFile(place[file], readFileSync(source[file], 'utf8'), place.user)
  }
}

/**
 * Copies a running primary over the data of a server that is stopped, and kept stopped, by `restart`; that starts it as a
 * standby then. What it had and the primary has not is lost.
 */
export async function copyOver(stopped: Pick<Member, 'dataDirectory'>, primary: Member): Promise<void> {
  await allowStandbys(primary)
  const place = placeOf(stopped)
  takePasswords(place, primary)
  await makeDataDirectory(place, (folder) => makeCopy(place, primary, folder))
}

/**
 * Lets a running standby follow another primary, without a restart; resolves when it streams.
 *
 * Throws `NO_STANDBY` where it is a primary, and `NOT_STREAMING` where it has replayed what the other one never got: then it has
 * to be copied again.
 */
export async function followPrimary(standby: Member, primary: Member): Promise<void> {
  await allowStandbys(primary)
  await follow(standby, primary, logSize(placeOf(standby)))
}

async function follow(standby: Member, primary: Member, logStartsAt: number): Promise<void> {
  const place = placeOf(standby)
  takePasswords(place, primary)
  {
    await using session = await openSession(standby.adminUrl, { applicationName: 'local-postgres standbys' })
    const [row] = await session.sql<{ standby: boolean }[]>`select pg_is_in_recovery() as standby`
    if (row?.standby !== true) throw noStandby(`The server on port ${standby.port} is a primary.`)
    const info = quoteLiteral(connectionInfo(place, primary))
    await session.sql.unsafe(`ALTER SYSTEM SET primary_conninfo = ${info}`)
    await session.sql`select pg_reload_conf()`
  }
  await awaitStreaming(primary, standby, { timeoutMs: streamMs, logStartsAt })
}

const noStandby = (reason: string): LocalPostgresError =>
  new LocalPostgresError('NO_STANDBY', `${reason} It becomes a standby only by being copied again.`)
