import type { DatabaseEvent, DatabaseHealth, PoolStatus, ServerReport } from '@shared/database'
import type { ServiceDatabase } from '../src/index.ts'

/** What the fake answers; change it between requests. */
export interface FakeAnswers {
  probe: DatabaseHealth
  pool: Partial<PoolStatus>
  server: ServerReport | null
  events: DatabaseEvent[]
  connect: () => Promise<void>
}

/** A database that never leaves this process and counts what it is asked. */
export function createFakeDatabase(given: Partial<FakeAnswers> = {}) {
  const answers: FakeAnswers = {
    probe: { status: 'connected', latencyMs: 0.4, code: null, checkedAt: '2026-01-01T00:00:00.000Z' },
    pool: {},
    server: confinedServer,
    events: [],
    connect: () => Promise.resolve(),
    ...given,
  }
  const asked = { check: 0, details: 0, connect: 0, close: 0 }
  const database: ServiceDatabase = {
    name: 'fake',
    status: () => ({ ...idlePool, ...answers.pool }),
    events: () => answers.events,
    connect: () => {
      asked.connect += 1
      return answers.connect()
    },
    within: (_options, fn) => fn(),
    close: () => {
      asked.close += 1
      return Promise.resolve()
    },
    health: {
      check: () => {
        asked.check += 1
        return Promise.resolve(answers.probe)
      },
      details: () => {
        asked.details += 1
        return Promise.resolve(answers.server)
      },
    },
  }
  return { database, answers, asked }
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
}

const idlePool = {
  name: 'fake',
  poolSize: 10,
  maxOverflow: 20,
  total: 1,
  idle: 1,
  checkedOut: 0,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  oldestLeaseMs: null,
  longestWaitMs: null,
  counters: {},
} as PoolStatus
