import type { CeilingStatus, DatabaseEvent, HostState, PoolStatus, ReadCounters } from '@shared/database'
import { createCounters, Histogram } from '@shared/pool'
import { explainAdvice } from '../src/explain/explain.ts'
import type { Advice, AdviceCode, DatabaseHealth, ServerReport } from '../src/index.ts'
import { createMonitorWith } from '../src/monitor.ts'

/** A server with 60 connections free of the 97 that it takes. */
export const roomyServer: ServerReport = {
  version: '18.4',
  uptimeMs: 86_400_000,
  inRecovery: false,
  maxConnections: 100,
  reservedConnections: 3,
  usedConnections: 37,
  promisedToOthers: 0,
  databaseLimit: null,
  role: { name: 'world_app', connections: 11, connectionLimit: null },
  confinement: { confined: true, findings: [] },
  longestTransactionMs: null,
  statements: [],
  blockages: [],
}

/** A statement that waits for a lock, as a report has it. */
export const lockedStatement = {
  pid: 1,
  state: 'active',
  ageMs: 4_200,
  waitEvent: 'Lock/transactionid',
  text: 'update "products" set "stock" = $1 where "id" = ?',
}

export const connected: DatabaseHealth = { status: 'connected', latencyMs: 1, code: null, checkedAt: '' }
export const unavailable: DatabaseHealth = {
  status: 'disconnected',
  latencyMs: null,
  code: 'ECONNREFUSED',
  checkedAt: '',
}

/** A monitor whose pool, server and clock are the test's: change them in `each`, a second at a time. */
export function createWorld(
  options: { poolSize?: number; maxOverflow?: number; replicas?: number; statements?: () => number } = {},
) {
  const { poolSize = 10, maxOverflow = 0, replicas = 1, statements } = options
  // 2026-01-01T00:00:00Z
  let now = 1_767_225_600_000
  const pool: PoolStatus = {
    name: 'world',
    poolSize,
    maxOverflow,
    total: 0,
    idle: 0,
    checkedOut: 0,
    overflow: 0,
    connecting: 0,
    waiting: 0,
    behind: 0,
    oldestLeaseMs: null,
    longestWaitMs: null,
    longestBehindMs: null,
    counters: createCounters(),
  }
  const times = { wait: new Histogram(), use: new Histogram(), create: new Histogram() }
  /** What is not over: replaced by tests. */
  const current = { waiting: new Histogram(), holding: new Histogram() }
  const events: DatabaseEvent[] = []
  const answers: { health: DatabaseHealth; server: ServerReport | null } = {
    health: connected,
    server: roomyServer,
  }
  const cluster = {
    hosts: [] as HostState[],
    reads: { standby: 0, primary: 0, behind: 0, failed: 0 } satisfies ReadCounters,
    replicas: 0,
    ceiling: null as CeilingStatus | null,
  }
  const asked = { check: 0, details: 0 }
  const probe = {
    check: () => {
      asked.check++
      return Promise.resolve(answers.health)
    },
    details: () => {
      asked.details++
      return Promise.resolve(answers.server)
    },
  }
  const monitor = createMonitorWith(
    probe,
    {
      status: () => structuredClone(pool),
      timings: () => ({
        waitMs: times.wait.snapshot(),
        useMs: times.use.snapshot(),
        createMs: times.create.snapshot(),
        waitingMs: current.waiting.snapshot(),
        holdingMs: current.holding.snapshot(),
      }),
      events: () => events,
      record: (type, _error, detail) => {
        events.push({
          type,
          code: null,
          at: new Date(now).toISOString(),
          ...(detail !== undefined && { detail }),
        })
      },
      hosts: () => cluster.hosts,
      readCounts: () => ({ ...cluster.reads }),
      replicas: () => Array.from({ length: cluster.replicas }, (_, i) => ({ host: hostAt(i + 1), pool })),
      maxLagMs: 10_000,
      ceiling: () => cluster.ceiling,
    },
    { replicas, statements, now: () => now },
  )
  return {
    monitor,
    pool,
    times,
    current,
    events,
    answers,
    cluster,
    asked,
    now: () => now,
    /** Lets seconds pass with a sample at the end of each. */
    async seconds(count: number, each: () => void = () => {}) {
      for (let second = 0; second < count; second++) {
        now += 1_000
        each()
        monitor.sample()
        // The probe's answer comes by promises alone.
        await new Promise(setImmediate)
      }
    },
    /** Leases that were had after `waitMs` and ended after `useMs`. */
    leases(count: number, { useMs, waitMs = 0 }: { useMs: number; waitMs?: number }) {
      pool.counters.checkouts += count
      if (waitMs > 0) pool.counters.waits += count
      for (let i = 0; i < count; i++) {
        times.wait.record(waitMs)
        times.use.record(useMs)
      }
    },
    codes: () => monitor.advice().map(({ code }) => code),
    /** The advice with this code. */
    found: (code: AdviceCode) => monitor.advice().find((advice) => advice.code === code),
    /** Its text. */
    text: (code: AdviceCode) => textsOf(monitor.advice().filter((advice) => advice.code === code))[0]?.text,
    /** Everything that is advised, in words. */
    texts: () => textsOf(monitor.advice()),
  }
}

const hostAt = (number: number) => ({ name: `db-${number}`, port: 5432 })

/** A host `db-<number>:5432`. */
export function host(
  number: number,
  role: HostState['role'],
  state: Partial<Omit<HostState, 'host' | 'role'>> = {},
): HostState {
  const lagMs = role === 'standby' ? 0 : null
  return { host: hostAt(number), role, timeline: 1, lagMs, lsn: 7n, code: null, ...state }
}

/** Advice in words. */
export function textsOf(advice: readonly Advice[]) {
  return advice.map((one) => ({ level: one.level, code: one.code, text: explainAdvice(one) }))
}
