import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultProxy, startFaultProxy } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { createDatabase, type Database } from '../../src/index.ts'
import { type Admin, openAdmin } from './admin.ts'
import { audit } from './audit.ts'
import { Caller } from './caller.ts'
import type { Control } from './cluster/control.ts'
import { direct } from './director.ts'
import type { Ledger } from './ledger.ts'
import { load } from './load.ts'
import type { Plan } from './plan.ts'
import { Random } from './random.ts'
import { setStage } from './stage.ts'
import { TypeChanges } from './types.ts'
import { type Plain, pause, type World } from './world.ts'

/** When nothing has settled for so long though all is healed, what is open never will. */
const hungMs = 15_000
/** How long callers go on asking a database that is closed. */
const afterCloseMs = 300
/** How long stock postgres.js has for an answer where ours got none. */
const stockMs = 5_000
/** How often it is looked at. */
const lookMs = 20

/** Where a world is. */
export interface Place {
  /** One, or all of a cluster. */
  readonly servers: readonly {
    /** The world's own database, as superuser. */
    readonly adminUrl: string
    /** The same database for the layer: straight, or through a pooler. */
    readonly url: string
  }[]
  /** The pooler's process, to be frozen. */
  readonly poolerPid: number | null
}

/** Lets a world run: load and faults, calm, a proof that the pool serves, close(), and the audit. What it finds is in the ledger. */
export async function runWorld({
  plan,
  place,
  ledger,
  control,
  onFrozen,
}: {
  plan: Plan
  place: Place
  ledger: Ledger
  /** Who has the servers of a cluster in hand. */
  control: Control | null
  onFrozen: (pid: number) => void
}): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const admins = place.servers.map(({ adminUrl }) => {
    const admin = openAdmin(adminUrl)
    stack.defer(() => admin.end())
    return admin
  })
  const admin = () => admins[control?.primary ?? 0] as Admin
  await setStage(admin())
  const newLinks: World['newLinks'] = { meet: null }
  const proxies: FaultProxy[] = []
  for (const { url } of plan.route === 'direct' ? [] : place.servers) {
    const { hostname: host, port } = new URL(url)
    const onLink: World['newLinks']['meet'] = (link) => newLinks.meet?.(link)
    proxies.push(stack.use(await startFaultProxy({ target: { host, port: Number(port) }, onLink })))
  }
  const first = place.servers[0] as Place['servers'][number]
  const url = proxies.length > 0 ? urlThrough(first.url, proxies) : first.url
  const open = (name: string): Database<Plain> =>
    createDatabase<Plain>({
      name,
      url,
      pool: plan.pool,
      connection: plan.connection,
      ...(plan.cluster && {
        replicas: { maxLagMs: plan.cluster.maxLagMs, routeReads: plan.cluster.routeReads },
      }),
    })
  const database = open('chaos')
  const stopping = new AbortController()
  const world: World = {
    plan,
    ledger,
    database,
    reader: plan.cluster ? open('chaos reader') : null,
    url,
    get admin() {
      return admin()
    },
    admins,
    proxies,
    proxy: proxies[0] ?? null,
    control,
    newLinks,
    poolerPid: place.poolerPid,
    directUrl: first.url,
    stopping: stopping.signal,
    onFrozen,
  }
  const types = new TypeChanges(world, first.adminUrl)
  stack.defer(() => types.close())
  if (plan.workload === 'types') await types.prepare()

  const random = new Random(plan.seed)
  const callers = load(world, random.fork('callers'), types)
  const faults = direct(world, random.fork('faults'))
  const changes = plan.workload === 'types' ? types.run(random.fork('types')) : null
  const closing = plan.closeAtMs === null ? null : closeAt(world, plan.closeAtMs, random.fork('close'))
  // The longer of the two must not keep the process.
  const end = sleep(plan.loadMs, undefined, { ref: false })
  await Promise.race([end, closing?.then(() => sleep(afterCloseMs))].filter((time) => time !== undefined))
  stopping.abort()
  await Promise.all([faults, changes, closing])
  ledger.happened('all faults are healed')
  await settle(world, callers, hungMs)
  ledger.hangs(`${hungMs} ms after all was healed`)
  if (!closing) {
    await prove(world)
    await close(world, world.database, 2_000)
    await settle(world, callers, hungMs)
    ledger.hangs('though close() has settled')
  }
  if (world.reader) await close(world, world.reader, 2_000)
  await audit(world)
}

/** The URL with a host and port for each of them. */
function urlThrough(url: string, proxies: readonly FaultProxy[]): string {
  const { host } = new URL(url)
  return url.replace(`@${host}/`, `@${proxies.map((proxy) => `${proxy.host}:${proxy.port}`).join()}/`)
}

/** Closes the database under load. */
async function closeAt(world: World, atMs: number, random: Random): Promise<void> {
  await sleep(atMs)
  await close(world, world.database, random.pick([1, 100, 1_000, 5_000]))
}

async function close({ ledger }: World, database: Database<Plain>, timeoutMs: number): Promise<void> {
  ledger.happened('close() begins')
  const end = ledger.begin(`close({ timeoutMs: ${timeoutMs} })`)
  const closed = database.close({ timeoutMs }).then(end, (error) => {
    end()
    ledger.violated('wrong', `close() rejected with ${error}`)
  })
  await Promise.race([closed, sleep(timeoutMs + hungMs, undefined, { ref: false })])
  ledger.happened('close() is over')
}

/** Waits until all calls have settled, or none has for so long. */
async function settle({ ledger }: World, callers: Promise<unknown>, mostMs: number): Promise<void> {
  await finished(callers, () => ledger.settledAt, mostMs)
  ledger.happened(`${ledger.open.size} calls are open`)
}

/** True when the work has settled; false when nothing went on for so long: a machine may be slow, but not for ever. */
async function finished(work: Promise<unknown>, wentOnAt: () => number, mostMs: number): Promise<boolean> {
  const startedAt = performance.now()
  let isFinished = false
  const settled = work.then(() => {
    isFinished = true
  })
  while (!isFinished && performance.now() - Math.max(startedAt, wentOnAt()) < mostMs)
    await Promise.race([settled, sleep(lookMs)])
  return isFinished
}

/** Nothing is broken any more: reads, a write, a transaction and a session must all succeed. */
async function prove(world: World): Promise<void> {
  const { database, ledger, plan } = world
  const caller = new Caller(world, -1, new Random(plan.seed))
  const read = () => caller.attempt('the proof: a read', () => caller.ask(database.db, sql`select 1`))
  const write = () => {
    const claim = ledger.claim('the proof', 1)
    const insert = sql`insert into singles (id) values (${claim.id})`
    return caller.attempt('the proof: a write', () => caller.ask(database.db, insert), { claim })
  }
  const transaction = () =>
    caller.attempt('the proof: a transaction', () =>
      database.db.transaction((tx) => caller.ask(tx, sql`select 1`)),
    )
  const session = () =>
    caller.attempt('the proof: a session', () => database.use(({ db }) => caller.ask(db, sql`select 1`)))
  const proofs = [...Array.from({ length: 20 }, () => read), write, transaction, session]
  let servedAt = 0
  let unserved = proofs.length
  const isOver = new AbortController()
  const working = proofs.map(async (proof) => {
    while (!(await proof())) {
      if (isOver.signal.aborted) return
      await pause(lookMs, isOver.signal)
    }
    unserved--
    servedAt = performance.now()
  })
  if (await finished(Promise.all(working), () => servedAt, hungMs)) return
  isOver.abort()
  if (plan.route === 'pooler' && !(await servesStock(world.directUrl))) {
    ledger.isPoolerStuck = true
    ledger.notes.add('A PgBouncer served nobody any more, stock postgres.js neither: it was started again.')
    return
  }
  ledger.violated('hung', `${unserved} of ${proofs.length} were not served ${hungMs} ms after all was healed`)
}

/** Whether stock postgres.js gets an answer there. */
async function servesStock(url: string): Promise<boolean> {
  const client = postgres(url, { max: 1, prepare: false, connect_timeout: 5, onnotice: () => {} })
  try {
    return await Promise.race([client`select 1`.then(() => true), sleep(stockMs, false)])
  } catch {
    return false
  } finally {
    await client.end({ timeout: 0 })
  }
}
