import type {
  CeilingStatus,
  DatabaseEvent,
  EventCounts,
  HostState,
  Pooler,
  PoolStatus,
  PoolTimings,
  ReadCounters,
  ReplicaStatus,
} from '@shared/database'
import {
  type Advice,
  type DatabaseHealth,
  type Monitor,
  reportHosts,
  type Sample,
  type Seen,
  type ServerReport,
} from '@shared/monitor'
import { createCounters } from '@shared/pool'
import type { ServiceDatabase } from '../src/index.ts'

/** What the fake answers; change it between requests. */
export interface FakeAnswers {
  probe: DatabaseHealth
  pool: Partial<PoolStatus>
  pooler: Pooler | null
  ceiling: CeilingStatus | null
  server: ServerReport | null
  events: DatabaseEvent[]
  eventCounts: Partial<EventCounts>
  timings: Partial<PoolTimings>
  replicas: number
  samples: Sample[]
  advice: Advice[]
  seen: Omit<Seen, 'hosts'>
  hosts: HostState[]
  /** The pools of other hosts. */
  standbys: ReplicaStatus[]
  reads: ReadCounters
  connect: () => Promise<void>
}

/** A database and its monitor that never leave this process and count the calls. */
export function createFakeDatabase(given: Partial<FakeAnswers> = {}) {
  const answers: FakeAnswers = {
    probe: { status: 'connected', latencyMs: 0.4, code: null, checkedAt: '2026-01-01T00:00:00.000Z' },
    pool: {},
    pooler: null,
    ceiling: null,
    server: confinedServer,
    events: [],
    eventCounts: {},
    timings: {},
    replicas: 1,
    samples: [],
    advice: [],
    seen: { health: null, server: null, blockages: [] },
    hosts: [],
    standbys: [],
    reads: { standby: 0, primary: 0, behind: 0, failed: 0 },
    connect: () => Promise.resolve(),
    ...given,
  }
  const calls = { check: 0, details: 0, connect: 0, close: 0 }
  const database: ServiceDatabase = {
    name: 'fake',
    get pooler() {
      return answers.pooler
    },
    status: () => ({ ...idlePool, ...answers.pool }),
    events: () => answers.events,
    eventCounts: () => ({ ...noEvents, ...answers.eventCounts }),
    timings: () => ({
      waitMs: nothing,
      useMs: nothing,
      createMs: nothing,
      waitingMs: nothing,
      holdingMs: nothing,
      ...answers.timings,
    }),
    observe: () => Promise.reject(new Error('there is no connection')),
    record: () => undefined,
    connect: () => {
      calls.connect += 1
      return answers.connect()
    },
    within: (_options, fn) => fn(),
    writtenUntil: () => null,
    hosts: () => answers.hosts,
    replicas: () => answers.standbys,
    readCounts: () => answers.reads,
    ceiling: () => answers.ceiling,
    maxLagMs: 10_000,
    close: () => {
      calls.close += 1
      return Promise.resolve()
    },
  }
  const monitor: Monitor = {
    get replicas() {
      return answers.replicas
    },
    samples: (since = 0) => answers.samples.filter(({ at }) => at > since),
    advice: () => answers.advice,
    seen: () => ({ ...answers.seen, hosts: reportHosts(answers.hosts) }),
    sample: () => undefined,
    start: () => undefined,
    stop: () => undefined,
    health: {
      check: () => {
        calls.check += 1
        return Promise.resolve(answers.probe)
      },
      details: () => {
        calls.details += 1
        return Promise.resolve(answers.server)
      },
    },
  }
  return { database, monitor, answers, calls }
}

/** A server that lets this role have 40 connections of 100. */
export const confinedServer: ServerReport = {
  version: '18.4',
  uptimeMs: 60_000,
  inRecovery: false,
  maxConnections: 100,
  reservedConnections: 3,
  usedConnections: 7,
  promisedToOthers: 40,
  databaseLimit: null,
  role: { name: 'fake_app', connections: 2, connectionLimit: 40 },
  confinement: { confined: true, findings: [] },
  longestTransactionMs: null,
  statements: [],
  blockages: [],
}

const host = { lagMs: null, lsn: 7n, code: null }

/** A failover is over: db-2 is the primary in place of db-1, and db-3 its standby. */
export const failedOverHosts: HostState[] = [
  {
    ...host,
    host: { name: 'db-1', port: 5432 },
    role: 'unreachable',
    timeline: 1,
    code: 'ECONNREFUSED',
  },
  { ...host, host: { name: 'db-2', port: 5432 }, role: 'primary', timeline: 2 },
  { ...host, host: { name: 'db-3', port: 5432 }, role: 'standby', timeline: 2, lagMs: 250.4 },
]

/** A pool with one connection that is not used yet. */
export const idlePool = {
  name: 'fake',
  poolSize: 10,
  maxOverflow: 20,
  total: 1,
  idle: 1,
  checkedOut: 0,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  behind: 0,
  longestBehindMs: null,
  oldestLeaseMs: null,
  longestWaitMs: null,
  counters: createCounters(),
} satisfies PoolStatus

const noEvents = { 'statement-stalled': 0, 'lease-leaked': 0, 'failed-over': 0 } as EventCounts
const nothing = { boundsMs: [1, 10], counts: [0, 0, 0], count: 0, sumMs: 0 }
