import { setTimeout as sleep } from 'node:timers/promises'
import { startFaultProxy } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { createDatabase } from '../../src/index.ts'
import { audit } from './audit.ts'
import { Caller } from './caller.ts'
import { direct } from './director.ts'
import type { Ledger } from './ledger.ts'
import { load } from './load.ts'
import type { Plan } from './plan.ts'
import { Random } from './random.ts'
import { setStage } from './stage.ts'
import { TypeChanges } from './types.ts'
import type { Plain, World } from './world.ts'

/** What has not settled so long after the last fault was healed never will. */
const hungMs = 15_000
/** A pool that is healed serves everybody again within this. */
const servedMs = 10_000

/** Where a world is. */
export interface Place {
  /** The world's own database, as superuser. */
  readonly adminUrl: string
  /** The same database for the layer: straight, or through a pooler. */
  readonly url: string
}

/** Lets a world run: load and faults, calm, a proof that the pool serves, close(), and the audit. What it finds is in the ledger. */
export async function runWorld(
  plan: Plan,
  place: Place,
  ledger: Ledger,
  onFrozen: (pid: number) => void,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const admin = postgres(place.adminUrl, {
    max: 10,
    onnotice: () => {},
    connection: { application_name: 'chaos admin' },
  })
  stack.defer(() => admin.end({ timeout: 1 }))
  await setStage(admin)
  const newLinks: World['newLinks'] = { meet: null }
  const { hostname: host, port } = new URL(place.url)
  const proxy =
    plan.route === 'direct'
      ? null
      : await startFaultProxy({
          target: { host, port: Number(port) },
          onLink: (link) => newLinks.meet?.(link),
        })
  if (proxy) stack.use(proxy)
  const url = proxy?.url(place.url) ?? place.url
  const database = createDatabase<Plain>({
    name: 'chaos',
    url,
    pool: plan.pool,
    connection: plan.connection,
  })
  const stopping = new AbortController()
  const world: World = {
    plan,
    ledger,
    database,
    url,
    admin,
    proxy,
    newLinks,
    stopping: stopping.signal,
    onFrozen,
  }
  const types = new TypeChanges(world, place.adminUrl)
  stack.defer(() => types.close())
  if (plan.workload === 'types') await types.prepare()

  const random = new Random(plan.seed)
  const callers = load(world, random.fork('callers'), types)
  const faults = direct(world, random.fork('faults'))
  const changes = plan.workload === 'types' ? types.run(random.fork('types')) : null
  const closing = plan.closeAtMs === null ? null : closeAt(world, plan.closeAtMs, random.fork('close'))
  await sleep(plan.loadMs)
  stopping.abort()
  await Promise.all([faults, changes, closing])
  ledger.happened('all faults are healed')
  await settle(world, callers, hungMs)
  ledger.hangs(`${hungMs} ms after all was healed`)
  if (!closing) {
    await prove(world)
    await close(world, 2_000)
    await settle(world, callers, 2_000)
    ledger.hangs('though close() has settled')
  }
  await audit(world)
}

/** Closes the database under load. */
async function closeAt(world: World, atMs: number, random: Random): Promise<void> {
  await sleep(atMs)
  await close(world, random.pick([1, 100, 1_000, 5_000]))
}

async function close({ database, ledger }: World, timeoutMs: number): Promise<void> {
  ledger.happened('close() begins')
  const end = ledger.begin(`close({ timeoutMs: ${timeoutMs} })`)
  const closed = database.close({ timeoutMs }).then(end, (error) => {
    end()
    ledger.violated('wrong', `close() rejected with ${error}`)
  })
  await Promise.race([closed, sleep(timeoutMs + hungMs, undefined, { ref: false })])
  ledger.happened('close() is over')
}

/** Waits until all calls have settled, at most so long. */
async function settle({ ledger }: World, callers: Promise<void>, mostMs: number): Promise<void> {
  await Promise.race([callers, sleep(mostMs, undefined, { ref: false })])
  ledger.happened(`${ledger.open.size} calls are open`)
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
  const end = performance.now() + servedMs
  let unserved = proofs.length
  const served = proofs.map(async (proof) => {
    while (performance.now() < end) {
      if (await proof()) {
        unserved--
        return
      }
      await sleep(20)
    }
  })
  await Promise.race([Promise.all(served), sleep(servedMs + 1_000, undefined, { ref: false })])
  if (unserved > 0)
    ledger.violated(
      'hung',
      `${unserved} of ${proofs.length} were not served ${servedMs} ms after all was healed`,
    )
}
