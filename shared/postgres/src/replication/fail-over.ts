import { join } from 'node:path'
import { openSession } from '../admin-connection.ts'
import { LocalPostgresError } from '../errors.ts'
import { type FoundPostgres, findPostgres } from '../server/find-postgres.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { startPostgres } from '../server/local-postgres.ts'
import { defaultDataRoot, resolvePlace } from '../server/place.ts'
import { killFamily } from '../server/processes.ts'
import { postmasterPid, readPostmasterFile } from '../server/running-server.ts'
import { lockTimeoutMs, withStartLock } from '../server/start-lock.ts'
import { readMembers, withClusterLock } from './local-cluster.ts'
import { placeOf } from './member.ts'
import { writeStandbySettings } from './standby-data.ts'
import { startStandby } from './start-standby.ts'
import { promoteStandby, switchOver } from './switch-over.ts'

/** What {@link failOver} takes. */
export interface FailOverOptions {
  /** As it was started with. Default `.data/postgres` in the repository. */
  dataRoot?: string
  /** Kills the primary with all of its processes; what no standby has got by then is lost. Default: stopped in order. */
  kill?: boolean
  /** Server settings for the restart of the old primary; they should be those that it was started with. */
  settings?: Readonly<Record<string, string>>
  /** Told in a line what is done, and what is not as it should be. */
  onNotice?: (line: string) => void
}

/** What the servers are after a failover, by their ports. */
export interface FailOverReport {
  readonly primary: number
  readonly standbys: readonly number[]
}

interface Running {
  readonly root: string
  readonly server: FoundPostgres
}

/**
 * Promotes a running standby of a data root under everybody who uses it; the old primary is stopped first, and runs again
 * as a standby when this resolves. A primary that does not answer counts as one to be killed.
 *
 * @throws {LocalPostgresError} `NO_STANDBY` where none runs, `SWITCHOVER_FAILED` and `NOT_STREAMING` where the standby lacks
 *   something; the primary is what it was then.
 */
export async function failOver(options: FailOverOptions = {}): Promise<FailOverReport> {
  const dataRoot = options.dataRoot ?? defaultDataRoot()
  const place = resolvePlace(dataRoot, { create: false })
  if (place === null) throw noneRuns(dataRoot)
  return await withClusterLock(place, async () => {
    const members = readMembers(place)
    const standbys: Running[] = []
    for (const root of members.standbys) {
      const server = await findPostgres({ dataRoot: root })
      if (server !== null) standbys.push({ root, server })
    }
    const [first, ...others] = standbys
    if (members.primary === null || first === undefined) throw noneRuns(place.root)
    const old = await findPostgres({ dataRoot: members.primary }).catch(() => null)
    return old === null || options.kill === true
      ? await replace(members.primary, [first, ...others], options)
      : await exchange(members.primary, [first, ...others], options)
  })
}

/** In order, and without loss: to the first standby. */
async function exchange(
  root: string,
  standbys: readonly [Running, ...Running[]],
  { settings }: FailOverOptions,
): Promise<FailOverReport> {
  await using stack = new AsyncDisposableStack()
  const use = async (dataRoot: string): Promise<LocalPostgres> => {
    const server = await startPostgres({ dataRoot, port: 0, settings })
    stack.defer(() => server.leave())
    return server
  }
  const from = await use(root)
  const to = await use(standbys[0].root)
  const followers: LocalPostgres[] = []
  for (const follower of standbys.slice(1)) followers.push(await use(follower.root))
  await switchOver(from, to, { followers })
  return { primary: to.port, standbys: [from, ...followers].map(({ port }) => port) }
}

/** By force: to the standby that has got the most. The others follow it, as copies of it where they have what it has not. */
async function replace(
  root: string,
  standbys: readonly [Running, ...Running[]],
  { settings, onNotice }: FailOverOptions,
): Promise<FailOverReport> {
  const place = placeOf({ dataDirectory: join(root, 'data') })
  const { to, port } = await withStartLock(place, lockTimeoutMs, async () => {
    const pid = postmasterPid(place)
    if (pid !== null) await killFamily(pid)
    const best = await mostAdvanced(standbys)
    // Before the promotion: from here on the old one cannot come back as a second primary.
    writeStandbySettings(place, best.server)
    await promoteStandby(best.server)
    return { to: best.server, port: readPostmasterFile(place)?.port ?? best.server.port + 1 }
  })
  const others = standbys.filter(({ server }) => server !== to)
  const { lifetime } = to
  const rejoining = [
    { dataRoot: root, port },
    ...others.map(({ root: dataRoot, server }) => ({ dataRoot, port: server.port })),
  ]
  const ports: number[] = []
  for (const which of rejoining) {
    const server = await startStandby({ ...which, of: to, lifetime, settings, onNotice })
    ports.push(server.port)
    await server.leave()
  }
  return { primary: to.port, standbys: ports }
}

/** The standby that has got the most WAL. */
async function mostAdvanced(standbys: readonly [Running, ...Running[]]): Promise<Running> {
  const ranked = await Promise.all(
    standbys.map(async (standby) => {
      await using session = await openSession(standby.server.adminUrl, {
        applicationName: 'local-postgres failover',
      })
      // What a restart has read from disk was replayed and not received since.
      const [row] = await session.sql<{ bytes: string }[]>`
        select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0' as bytes`
      return { standby, bytes: BigInt(row?.bytes ?? 0) }
    }),
  )
  return ranked.reduce((best, one) => (one.bytes > best.bytes ? one : best)).standby
}

const noneRuns = (root: string): LocalPostgresError =>
  new LocalPostgresError(
    'NO_STANDBY',
    `No standby runs in ${root} that could be promoted. Start one: bun run dev --replicas 1, or db:start --replicas 1.`,
  )
