/** What a field is called, and what is said where it has no value (null, an empty list, -1 for no limit). */
export interface Label {
  readonly name: string
  readonly absent: string
}

const none = 'none'
const notKnown = 'not known'
const noLimit = 'no limit'

/** Parts of the report that are sections of their own, in the order in which they are shown; all else is in the first. */
export const sections: Readonly<Record<string, string>> = {
  '': 'Health',
  pool: 'Connection pool, now',
  'pool.counters': 'Connection pool, since the start',
  'pool.counters.closes': 'Closed connections, since the start',
  limits: 'Connections on the server',
  server: 'Server',
  isolation: 'Rights of the role',
  process: 'Process',
  requests: 'Requests',
  pooler: 'Pooler',
  ceiling: 'Connections shared by all processes',
  cluster: 'Cluster',
}

/** No two names are the same: each stands for one number. */
const names: Readonly<Record<string, string | readonly [name: string, absent: string] | null>> = {
  status: 'Status',
  // The title of the dialog.
  service: null,
  state: 'State of the service',
  reasons: ['Why it is not healthy', 'it is healthy'],
  'database.name': 'Name in events and metrics',
  'database.status': 'Database',
  'database.latencyMs': ['Answer time of the database', notKnown],
  'database.code': ['Error when last asked', none],
  'database.checkedAt': 'Database last asked at',
  'migrations.state': 'Migrations',
  'migrations.pending': ['Migrations still to be applied', none],
  'migrations.total': 'Migrations of this version',
  'migrations.code': ['Error when migrations were read', none],
  migrations: ['Migrations', 'not looked at'],

  // That of the database.
  'pool.name': null,
  'pool.poolSize': 'Connections to keep (pool size)',
  'pool.maxOverflow': ['Connections allowed beyond them (overflow)', noLimit],
  'pool.total': 'Connections open or being opened',
  'pool.checkedOut': 'Connections in use',
  'pool.idle': 'Connections idle',
  'pool.connecting': 'Connections being opened',
  'pool.overflow': 'Connections beyond the pool size',
  'pool.waiting': 'Callers in the queue',
  'pool.longestWaitMs': ['Longest wait in the queue', none],
  'pool.behind': 'Statements behind another on its connection',
  'pool.longestBehindMs': ['Longest statement with others behind it', none],
  'pool.oldestLeaseMs': ['Longest use of a connection', none],
  // That of the ceiling.
  'pool.allowance': null,

  'pool.counters.checkouts': 'Connections given out',
  'pool.counters.waits': 'Callers that had to queue',
  'pool.counters.waitMs': 'Time in the queue, all callers together',
  'pool.counters.timeouts': 'Waits that ran out of time',
  'pool.counters.cancels': 'Waits that their callers gave up',
  'pool.counters.saturations': 'Callers refused by a full queue',
  'pool.counters.preemptions': 'Slow statements moved to a connection of their own',
  'pool.counters.defects': 'Defects of this layer that a last check settled',
  'pool.counters.connects': 'Connections opened',
  'pool.counters.connectFailures': 'Attempts to connect that failed',
  'pool.counters.pings': 'Tests of a connection before its use',
  'pool.counters.pingFailures': 'Tests before use that failed',
  'pool.counters.recycles': 'Connections retired for their age',
  'pool.counters.invalidations': 'Times that all connections were retired',

  'pool.counters.closes.overflow': 'Not needed beyond the pool size',
  'pool.counters.closes.recycled': 'Too old',
  'pool.counters.closes.idle': 'Idle for too long',
  'pool.counters.closes.ceiling': 'Given to another process of the role',
  'pool.counters.closes.invalidated': 'From before a fault',
  'pool.counters.closes.ping-failed': 'Failed a test before use',
  'pool.counters.closes.reset-failed': 'Could not be reset',
  'pool.counters.closes.busy-at-checkin': 'Still busy when given back',
  'pool.counters.closes.replaced': 'Replaced by a new one',
  'pool.counters.closes.lost': 'Lost',
  'pool.counters.closes.shutdown': 'Service stopped',

  limits: ['Connections on the server', notKnown],
  'limits.maxConnections': 'Connections that the server allows',
  'limits.reservedConnections': 'Kept back for superusers',
  'limits.usedConnections': 'Open by all roles together',
  'limits.roleConnections': 'Open by the role of this service',
  'limits.roleConnectionLimit': ['Limit of the role', noLimit],
  'limits.databaseConnectionLimit': ['Limit of the database', noLimit],
  'limits.promisedToOthers': 'Limits of all other roles together',
  'limits.replicas': 'Processes of this service',
  'limits.wantedConnections': ['What these may open together', noLimit],
  'limits.freeConnections': ['What the role could still open', notKnown],
  'limits.fits': 'It fits the limits',
  'limits.fitsNow': 'It fits beside what others have open',

  server: ['Server', notKnown],
  'server.version': 'PostgreSQL version',
  'server.uptimeMs': 'PostgreSQL has been up for',
  'server.inRecovery': 'It is a standby',
  'server.longestTransactionMs': ['Oldest transaction of the role', none],

  isolation: ['Rights of the role', notKnown],
  'isolation.role': 'Role',
  'isolation.confined': 'It reaches its own database only',
  'isolation.findings': ['What it may do beyond that', 'nothing'],

  'process.uptimeMs': 'The process has been up for',
  'process.runtime': 'Runtime',
  'process.memory.rssBytes': 'Memory',
  'process.memory.heapUsedBytes': 'Memory of JavaScript objects',
  'process.memory.externalBytes': 'Memory outside of them',
  'process.eventLoopLag': ['Delay of timers', 'not measured'],
  'process.eventLoopLag.meanMs': 'Delay of timers, mean',
  'process.eventLoopLag.p99Ms': 'Delay of timers, 99 of 100 at most',
  'process.eventLoopLag.maxMs': 'Delay of timers, longest',
  'process.eventLoopLag.since': 'Delays measured since',

  'requests.inFlight': 'Requests under way',
  'requests.failed': 'Requests answered with 5xx since the start',

  pooler: ['Pooler such as PgBouncer', none],
  'pooler.preparedStatements': 'Statements are sent prepared through it',

  ceiling: ['Limit shared by all processes', none],
  'ceiling.limit': 'Most connections of all processes',
  'ceiling.used': ['Connections that they have taken', notKnown],
  'ceiling.processes': ['Processes that share them', notKnown],
  'ceiling.allowance': 'Most connections of this process now',
  'ceiling.isReached': 'More are wanted than there are',
  'ceiling.isOn': 'The limit works here',

  cluster: ['Other hosts of the database', none],
  'cluster.failovers': 'Times that the primary has changed',
  'cluster.reads.standby': 'Reads on a standby',
  'cluster.reads.primary': 'Reads on the primary: no standby was near enough',
  'cluster.reads.behind': 'Reads on the primary: the standby had not seen a write',
  'cluster.reads.failed': 'Reads on the primary: the standby had failed',
}

/**
 * The label of a field of the detailed report; null for one that the dialog shows elsewhere. One that is not known here gets the words
 * of its key.
 *
 * @param path Its keys, joined by dots: `pool.checkedOut`.
 */
export function labelOf(path: string): Label | null {
  const known = names[path]
  if (known === null) return null
  if (known === undefined) return { name: inWords(path), absent: none }
  const [name, absent] = typeof known === 'string' ? [known, none] : known
  return { name, absent }
}

/** Whether a field has a name of its own here. */
export const isNamed = (path: string): boolean => names[path] !== undefined

/** The words of the last key, without its unit: `newestWaitMs` → `Newest wait`. */
export function inWords(path: string): string {
  const key = path.split('.').at(-1) ?? path
  const words = key
    .replace(/(Ms|Bytes)$/, '')
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll('-', ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
