import { eventually, type FaultProxy } from '@shared/postgres/testing'
import { type Database, hostName, type PoolStatus } from '../../src/index.ts'
import type { Admin } from './admin.ts'
import type { Claim, Ledger } from './ledger.ts'
import { role } from './stage.ts'
import type { Plain, World } from './world.ts'

// A backend whose client is gone notices it when it next reads or writes.
const leaveMs = 30_000
// A request to cancel is left to the server's own end, 15 s at the most: a pooler does not bear that its client hangs up.
const cancelMs = 16_000

/** Compares what callers were answered with what the server has, over a connection that is not the layer's. */
export async function audit({
  admin,
  admins,
  ledger,
  database,
  reader,
  plan,
  proxies,
}: World): Promise<void> {
  await checkRows(admin, ledger)
  for (const proxy of proxies) await checkSockets(proxy, ledger)
  // A pooler keeps its own.
  if (plan.route !== 'pooler') for (const server of admins) await checkBackends(server, ledger)
  checkCounters(ledger, 'the pool', database)
  if (reader) checkCounters(ledger, 'the reader', reader)
  // What a standby refuses the primary answers, so callers do not see it.
  if (!plan.cluster) checkCallersCounts(ledger, database)
}

/** Done: there, exactly once. Not sent, refused or rolled back: not there. Unknown: there once, whole, or not at all. */
export async function checkRows(admin: Admin, ledger: Ledger): Promise<void> {
  const rows = await admin<{ id: string; parts: number[] }[]>`
    select id, array_agg(part order by part) as parts
    from (select id, part from singles union all select id, part from pairs) written group by id`
  const written = new Map(rows.map(({ id, parts }) => [id, parts]))
  for (const claim of ledger.claims.values()) {
    checkClaim(ledger, claim, written.get(claim.id) ?? [])
    written.delete(claim.id)
  }
  for (const [id] of written) ledger.violated('wrong', `a row that nobody wrote: ${id}`)
}

function checkClaim(ledger: Ledger, { id, rows, by, outcome }: Claim, parts: readonly number[]): void {
  const what = `${by} ${id}, reported ${outcome ?? 'never'}`
  if (new Set(parts).size < parts.length) ledger.violated('twice', `${what}: ${parts.length} rows of ${rows}`)
  else if (parts.length > 0 && !isWhole(parts, rows))
    ledger.violated('half', `${what}: parts ${parts.slice(0, 5)} of ${rows}`)
  else if (outcome === 'done' && parts.length === 0) ledger.violated('wrong', `${what}: not there`)
  else if (outcome === 'absent' && parts.length > 0) ledger.violated('wrong', `${what}: there all the same`)
}

const isWhole = (parts: readonly number[], rows: number): boolean =>
  parts.length === rows && parts.every((part, i) => part === i + 1 || rows === 1)

async function checkBackends(admin: Admin, ledger: Ledger): Promise<void> {
  let left: { application_name: string; state: string; query: string }[] = []
  await eventually(
    async () => {
      left = await admin<typeof left>`
        select application_name, state, left(query, 60) as query from pg_stat_activity
        where datname = current_database() and usename = ${role.name}`
      return left.length === 0
    },
    { timeoutMs: leaveMs, intervalMs: 50 },
  ).catch(() => {})
  for (const { application_name, state, query } of left)
    ledger.violated('leaked', `a backend of "${application_name}" after close(), ${state}: ${query}`)
}

async function checkSockets(proxy: FaultProxy, ledger: Ledger): Promise<void> {
  await eventually(() => proxy.connections === 0, { timeoutMs: cancelMs }).catch(() => {})
  const { connections, links } = proxy
  if (connections === 0) return
  ledger.violated(
    'leaked',
    `${connections} sockets after close(), ${links.length} of them led on to the server`,
  )
}

/** What must hold in the status of a database that is closed, no matter who used it. */
export function checkCounters(ledger: Ledger, whose: string, database: Database<Plain>): void {
  checkPool(ledger, whose, database.status())
  for (const { host, pool } of database.replicas()) checkPool(ledger, `${whose} of ${hostName(host)}`, pool)
}

function checkPool(ledger: Ledger, whose: string, status: PoolStatus): void {
  const { total, idle, checkedOut, connecting, waiting, counters } = status
  const closes = Object.values(counters.closes).reduce((sum, count) => sum + count, 0)
  const { connects, recycles, pingFailures, pings, defects } = counters
  expectSame(
    ledger,
    whose,
    {
      total,
      idle,
      checkedOut,
      connecting,
      waiting,
      closes,
      defects,
      recycles,
      pingFailures: pingFailures <= pings,
    },
    {
      total: 0,
      idle: 0,
      checkedOut: 0,
      connecting: 0,
      waiting: 0,
      closes: connects,
      defects: 0,
      recycles: counters.closes.recycled,
      pingFailures: true,
    },
  )
}

/** What callers saw and what the pool counted are the same, where a caller can see it. */
function checkCallersCounts(ledger: Ledger, database: Database<Plain>): void {
  const { counters } = database.status() satisfies PoolStatus
  const events = database.eventCounts()
  const { useMs, waitMs } = database.timings()
  const seen = (kind: string) => ledger.failures[kind] ?? 0
  const { timeouts, saturations, checkouts } = counters
  expectSame(
    ledger,
    'the pool beside its callers',
    {
      timeouts,
      saturations,
      nested: events['nested-checkout'],
      timeoutEvents: events['checkout-timeout'],
      saturatedEvents: events.saturated,
      failedConnects: events['connect-failed'],
      waits: waitMs.count,
      uses: useMs.count,
    },
    {
      timeouts: seen('CHECKOUT_TIMEOUT'),
      saturations: seen('POOL_SATURATED'),
      nested: seen('NESTED_CHECKOUT'),
      timeoutEvents: timeouts,
      saturatedEvents: saturations,
      failedConnects: counters.connectFailures,
      waits: checkouts,
      uses: checkouts,
    },
  )
}

function expectSame<T extends object>(ledger: Ledger, whose: string, actual: T, expected: T): void {
  for (const key of Object.keys(expected) as (keyof T & string)[]) {
    if (actual[key] !== expected[key])
      ledger.violated('wrong', `counters of ${whose}: ${key} is ${actual[key]}, not ${expected[key]}`)
  }
}
