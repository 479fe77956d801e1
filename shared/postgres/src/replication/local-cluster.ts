import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LocalPostgresError } from '../errors.ts'
import { type FoundPostgres, findPostgres, stopPostgres } from '../server/find-postgres.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { type StartOptions, startPostgres } from '../server/local-postgres.ts'
import { defaultDataRoot, type Place, resolvePlace } from '../server/place.ts'
import { postmasterPid } from '../server/running-server.ts'
import type { StopOptions } from '../server/server-process.ts'
import { lockTimeoutMs, withStartLock } from '../server/start-lock.ts'
import { isStandbyData } from './standby-data.ts'
import { startStandby } from './start-standby.ts'

/** A primary and its standbys that this process uses. */
export interface LocalCluster {
  readonly primary: LocalPostgres
  readonly standbys: readonly LocalPostgres[]
  /** Ends this use of each server; those that nobody else uses stop, unless they are daemons. */
  release(): Promise<void>
}

/** The servers of a data root, by what their data says. */
export interface Members {
  /** Data roots: the given one, or a folder in it. Null where a failover was cut off, or nothing was made yet. */
  readonly primary: string | null
  readonly standbys: readonly string[]
}

/**
 * Starts or joins the primary of a data root and its standbys.
 *
 * The first server is in the data root itself, the others are in folders of it (`server-2` …); which of them is the
 * primary says their data, so that it is found again after a failover. Options are those of `startPostgres`; standbys
 * prefer the ports after the primary's.
 *
 * @param options.standbys How many are started. Missing ones are made. Default: those that exist. What runs is joined in any
 *   case: it may become the primary, and would otherwise stop with the process that started it.
 * @throws {LocalPostgresError} What `startPostgres` and `startStandby` throw; `NO_PRIMARY` and `SEVERAL_PRIMARIES` where the
 *   data leaves open which is the primary.
 */
export async function startLocalCluster(
  options: StartOptions & { standbys?: number } = {},
): Promise<LocalCluster> {
  const { dataRoot = defaultDataRoot(), standbys, ...start } = options
  const place = resolvePlace(dataRoot, { create: true, onNotice: start.onNotice })
  if (place === null) throw new LocalPostgresError('DATA_FOLDER', `There is no folder for ${dataRoot}.`)
  return await withClusterLock(place, async () => {
    const members = readMembers(place)
    await using started = new AsyncDisposableStack()
    const primary = started.use(await startPostgres({ ...start, dataRoot: primaryRoot(place, members) }))
    const count = standbys ?? members.standbys.length
    const roots = [...members.standbys, ...newRoots(place, count - members.standbys.length)]
    const wanted = roots.filter((root, index) => index < count || isRunning(root))
    const running: LocalPostgres[] = []
    for (const [index, root] of wanted.entries()) {
      const port = start.port === 0 ? 0 : primary.port + 1 + index
      running.push(started.use(await startStandby({ ...start, of: primary, dataRoot: root, port })))
    }
    started.move()
    return {
      primary,
      standbys: running,
      async release() {
        await Promise.all([primary, ...running].map((server) => server.release()))
      },
    }
  })
}

/** The running servers of a data root, without starting any. Throws as `findPostgres` does. */
export async function findLocalCluster(
  options: { dataRoot?: string } = {},
): Promise<{ primary: FoundPostgres | null; standbys: FoundPostgres[] }> {
  const place = resolvePlace(options.dataRoot ?? defaultDataRoot(), { create: false })
  if (place === null) return { primary: null, standbys: [] }
  const { primary, standbys } = readMembers(place)
  const found = await Promise.all(standbys.map((dataRoot) => findPostgres({ dataRoot })))
  return {
    primary: primary === null ? null : await findPostgres({ dataRoot: primary }),
    standbys: found.filter((server) => server !== null),
  }
}

/** Stops every server of a data root for everybody, the primary first; returns how many ran. Throws `STOP_FAILED`. */
export async function stopLocalCluster(options: { dataRoot?: string } & StopOptions = {}): Promise<number> {
  const place = resolvePlace(options.dataRoot ?? defaultDataRoot(), { create: false })
  if (place === null) return 0
  return await withClusterLock(place, async () => {
    const roots = serverRoots(place)
    // In this order the standbys get all that the primary still writes.
    const ordered = roots.toSorted((one, other) => Number(isStandby(one)) - Number(isStandby(other)))
    let stopped = 0
    for (const dataRoot of ordered) if (await stopPostgres({ ...options, dataRoot })) stopped++
    return stopped
  })
}

/** Runs the function while nobody else starts, stops or exchanges servers of this cluster. */
export function withClusterLock<T>(place: Place, fn: () => Promise<T>): Promise<T> {
  return withStartLock({ ...place, lockFile: join(place.root, 'cluster.lock') }, lockTimeoutMs, fn)
}

/** Reads which servers there are and what they are. Throws `SEVERAL_PRIMARIES`. */
export function readMembers(place: Place): Members {
  const roots = serverRoots(place)
  const [primary = null, ...more] = roots.filter((root) => !isStandby(root))
  if (more.length > 0) {
    throw new LocalPostgresError(
      'SEVERAL_PRIMARIES',
      `${[primary, ...more].join(' and ')} hold the data of a primary each, as one was promoted beside the other. ` +
        'Move the folder "data" of those away whose data can go.',
    )
  }
  return { primary, standbys: roots.filter(isStandby) }
}

function isRunning(root: string): boolean {
  const place = resolvePlace(root, { create: false })
  return place !== null && postmasterPid(place) !== null
}

const isStandby = (root: string): boolean => isStandbyData(join(root, 'data'))

/** The data roots with data in them, the first server's first. */
function serverRoots(place: Place): string[] {
  const numbers = readdirSync(place.root).flatMap((name) => /^server-(\d+)$/.exec(name)?.[1] ?? [])
  const others = numbers.map(Number).toSorted((one, other) => one - other)
  const roots = [place.root, ...others.map((number) => rootOf(place, number))]
  return roots.filter((root) => existsSync(join(root, 'data')))
}

const rootOf = (place: Place, number: number): string => join(place.root, `server-${number}`)

function primaryRoot(place: Place, { primary, standbys }: Members): string {
  if (primary !== null) return primary
  if (standbys.length === 0) return place.root
  throw new LocalPostgresError(
    'NO_PRIMARY',
    `No server in ${place.root} is the primary, as a failover was cut off. Remove the file data/standby.signal from the ` +
      `one that is to be: ${standbys.join(' or ')}.`,
  )
}

function newRoots(place: Place, count: number): string[] {
  const free: string[] = []
  for (let number = 2; free.length < count; number++) {
    const root = rootOf(place, number)
    if (!existsSync(join(root, 'data'))) free.push(root)
  }
  return free
}
