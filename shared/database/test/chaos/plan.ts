import type { ConnectionOptions, PoolOptions } from '../../src/index.ts'
import { type ClusterPlan, drawCluster } from './cluster/plan.ts'
import { Random } from './random.ts'

/**
 * What the callers of a world do: everything, plain reads beside writes under a deadline, writes beside type changes, or everything
 * and reads from standbys, on a cluster whose servers fail.
 */
export const workloads = ['mixed', 'deadlines', 'types', 'cluster'] as const
export type Workload = (typeof workloads)[number]

/** What is done to the network, to the server and to the layer while callers work. */
export const networkFaults = [
  'cut',
  'cut-at-byte',
  'cut-new-at-byte',
  'freeze-one-way',
  'freeze-old',
  'freeze-all',
  'slow',
  'refuse',
  'accept-then-close',
  'accept-then-mute',
  'mute-next',
] as const
export const serverFaults = [
  'terminate',
  'cancel',
  'freeze-backend',
  'freeze-pooler',
  'lock',
  'definitions',
  'connection-limit',
  'invalidate',
] as const
export type NetworkFault = (typeof networkFaults)[number]
export type ServerFault = (typeof serverFaults)[number]

/** How a world reaches its server. */
export type Route = 'direct' | 'proxy' | 'pooler' | 'cluster'

/** All that a seed decides about a world before it begins. */
export interface Plan {
  readonly seed: number
  readonly workload: Workload
  readonly route: Route
  readonly callers: number
  readonly loadMs: number
  readonly pool: Partial<PoolOptions>
  readonly connection: Partial<ConnectionOptions>
  readonly networkFaults: readonly NetworkFault[]
  readonly serverFaults: readonly ServerFault[]
  /** Its servers; null: one. */
  readonly cluster: ClusterPlan | null
  /** Longest pause in ms between two faults of one kind. */
  readonly pauseMs: number
  /** When the database is closed under load, in ms from the start; null: only at the end. */
  readonly closeAtMs: number | null
}

interface PlanRequest {
  readonly seed: number
  readonly workload?: Workload | undefined
  readonly loadMs: number
  readonly hasPooler: boolean
}

/** Draws a world from a seed; the workload too, unless one is asked for. */
export function drawPlan({ seed, workload, loadMs, hasPooler }: PlanRequest): Plan {
  const random = new Random(seed).fork('plan')
  const drawn = random.weighted<Workload>([
    [8, 'mixed'],
    [2, 'deadlines'],
    [1, 'types'],
    [1, 'cluster'],
  ])
  switch (workload ?? drawn) {
    case 'deadlines':
      return deadlinesPlan(seed, random, loadMs)
    case 'types':
      return typesPlan(seed, random, loadMs)
    case 'cluster':
      return clusterPlan(seed, random, loadMs)
    case 'mixed':
      return mixedPlan(seed, random, loadMs, hasPooler)
  }
}

/** The seed walks through all combinations of depth, prepared or not, and direct or through a proxy that cuts. */
function deadlinesPlan(seed: number, random: Random, loadMs: number): Plan {
  const sharedDepth = [1, 4, 16, 90][seed % 4] as number
  const prepare = (seed >> 2) % 2 === 0
  const isProxied = (seed >> 3) % 2 === 1
  return {
    seed,
    workload: 'deadlines',
    route: isProxied ? 'proxy' : 'direct',
    callers: 40,
    loadMs,
    pool: { poolSize: 5, maxOverflow: 0, sharedDepth, ...(random.chance(0.3) && { recycleMs: 200 }) },
    connection: { prepare },
    networkFaults: isProxied ? ['cut-at-byte'] : [],
    serverFaults: [],
    cluster: null,
    pauseMs: 300,
    closeAtMs: null,
  }
}

function typesPlan(seed: number, random: Random, loadMs: number): Plan {
  return {
    seed,
    workload: 'types',
    route: 'direct',
    callers: 12,
    // A change must be noticed, and written after, more than once.
    loadMs: Math.max(loadMs, 8_000),
    pool: { poolSize: random.int(1, 4), maxOverflow: random.int(0, 2), sharedDepth: random.pick([1, 4, 16]) },
    connection: { maxPreparedStatements: random.pick([4, 64, 256]) },
    networkFaults: [],
    serverFaults: random.chance(0.3) ? ['invalidate'] : [],
    cluster: null,
    pauseMs: 500,
    closeAtMs: null,
  }
}

function some<T>(random: Random, faults: readonly T[], shares: readonly number[]): T[] {
  const share = random.pick(shares)
  return faults.filter(() => random.chance(share))
}

function mixedPlan(seed: number, random: Random, loadMs: number, hasPooler: boolean): Plan {
  const route = random.weighted<Route>([
    [2, 'direct'],
    [7, 'proxy'],
    [hasPooler ? 2 : 0, 'pooler'],
  ])
  const shares = [0, 0.3, 0.6, 1]
  return {
    seed,
    workload: 'mixed',
    route,
    callers: random.pick([1, 4, 10, 20, 40]),
    loadMs,
    pool: drawPool(random),
    connection: drawConnection(random, route),
    networkFaults: route === 'direct' ? [] : some(random, networkFaults, shares),
    serverFaults: some(random, serverFaults, shares).filter(
      (name) => name !== 'freeze-pooler' || route === 'pooler',
    ),
    cluster: null,
    pauseMs: random.pick([30, 150, 600]),
    closeAtMs: random.chance(0.25) ? random.int(0, loadMs) : null,
  }
}

// What is undone where it was done, on a server that may not be the primary any more by then; a cancellation that hits a commit
// while it waits for its standby lets it be answered without that.
const notInCluster: readonly ServerFault[] = ['cancel', 'connection-limit', 'freeze-pooler']

function clusterPlan(seed: number, random: Random, loadMs: number): Plan {
  return {
    seed,
    workload: 'cluster',
    route: 'cluster',
    callers: random.pick([4, 10, 20]),
    // A server that is copied again takes its seconds.
    loadMs: Math.max(loadMs, 12_000),
    // Who is refused at once, or soon, sees little of a failover.
    pool: { ...drawPool(random), maxWaiting: 1_000, checkoutTimeoutMs: random.pick([2_000, 8_000]) },
    connection: {
      ...drawConnection(random, 'cluster'),
      connectTimeoutMs: random.pick([1_000, 3_000]),
    },
    // Mostly few, else the servers' own are hidden behind them.
    networkFaults: some(random, networkFaults, [0, 0, 0.2, 0.5]),
    serverFaults: some(random, serverFaults, [0, 0.3, 1]).filter((name) => !notInCluster.includes(name)),
    cluster: drawCluster(random),
    pauseMs: random.pick([150, 600, 2_000]),
    closeAtMs: random.chance(0.15) ? random.int(0, loadMs) : null,
  }
}

function drawPool(random: Random): Partial<PoolOptions> {
  return {
    poolSize: random.int(1, 5),
    maxOverflow: random.pick([-1, 0, 0, 1, 3]),
    sharedDepth: random.pick([1, 2, 4, 16, 90]),
    checkoutTimeoutMs: random.pick([500, 2_000, 4_000]),
    maxWaiting: random.pick([0, 5, 1_000, 1_000, 1_000, 1_000]),
    prePing: random.chance(0.85),
    prePingIdleMs: random.pick([0, 0, 5, 500]),
    prePingTimeoutMs: random.pick([100, 500, 2_000]),
    recycleMs: random.pick([5, 200, 200, 60_000, 60_000, Number.POSITIVE_INFINITY]),
    idleTimeoutMs: random.pick([10, 500, 600_000]),
    slowStatementMs: random.pick([1, 5, 20]),
    leakAfterMs: random.pick([0, 50, 60_000]),
  }
}

function drawConnection(random: Random, route: Route): Partial<ConnectionOptions> {
  const drawn = {
    connectTimeoutMs: random.pick([500, 1_000, 2_000]),
    prepare: random.chance(0.75),
    maxPreparedStatements: random.chance(0.5) ? random.int(0, 5) : 256,
    stallAfterMs: random.pick([0, 30, 200, 1_000]),
    retryReads: random.chance(0.5),
    definitionsCheckMs: random.pick([0, 20, 1_000]),
  }
  // PgBouncer refuses connections that bring settings of their own.
  if (route === 'pooler') return drawn
  const statementTimeoutMs = random.pick([0, 0, 0, 60_000])
  const planCacheMode = random.pick(['auto', 'auto', 'force_custom_plan', 'force_generic_plan'] as const)
  return { ...drawn, statementTimeoutMs, planCacheMode }
}
