import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually } from '@shared/postgres/testing'
import type { Browser } from 'playwright-core'
import { findBrowser, startBrowser } from '../src/testing/browser/index.ts'
import { startWorld, type World, type WorldService } from '../src/testing/index.ts'
import { type IncidentLoad, type LoadRequest, startIncidentLoad } from './incidents/incident-load.ts'
import { type WatchedService, watchService } from './incidents/watch-service.ts'

const program = findBrowser()
const patience = { intervalMs: 50 }
const clients = 8
/** What an operator would do in vain in all of these incidents, or would look for without a reason. */
const misleading = /raise DATABASE_POOL_SIZE|of the pool was in use|lost( and .*)? while the database answers/

function tests(executablePath: string): void {
  let browser: Browser
  let world: World

  beforeAll(async () => {
    world = await startWorld({
      services: ['product', 'cart'],
      programs: { cart: `${import.meta.dir}/incidents/leaking-cart.ts` },
      settings: { max_connections: '40' },
      env: {
        DATABASE_POOL_SIZE: '3',
        DATABASE_MAX_OVERFLOW: '1',
        DATABASE_MAX_WAITING: '3',
        DATABASE_POOL_TIMEOUT: '3',
        DATABASE_IDLE_TIMEOUT: '1',
        DATABASE_POOL_LEAK_TIMEOUT: '2',
        REQUEST_TIMEOUT: '4',
      },
    })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await world?.[Symbol.asyncDispose]()
  }, 120_000)

  const serviceOf = (name: string): WorldService => {
    const found = world.services.find(({ target }) => target.name === name)
    if (found === undefined) throw new Error(`no service ${name}`)
    return found
  }

  /** Clients that read and change products, each one of its own. */
  async function startShopping(): Promise<IncidentLoad> {
    const { target } = serviceOf('product')
    const ids: string[] = []
    for (let client = 0; client < clients; client++) ids.push(await addProduct(target.url))
    return startIncidentLoad(target, { clients, next: (client) => readOrChange(ids[client] ?? '') })
  }

  test('a table lock: who holds it and who waits, and that it is over', async () => {
    const service = serviceOf('product')
    await using watched = await watchService(browser, service)
    await using load = await startShopping()
    await eventually(() => load.answered > 2 * clients, patience)
    {
      await using _held = await service.hold('lock table products in access exclusive mode')
      const { reason, status } = await watched.named(/for a table lock on products/)
      const tree = await watched.details('Who blocks whom')
      expect({ reason, status, tree: tree[0], victims: tree.slice(1) }).toEqual({
        reason: expect.stringMatching(/Pid \d+ \(application "lock", role product_migrator\) holds it/),
        status: expect.stringMatching(/pid \d+ \(lock · product_migrator\) holds a table lock on products/),
        tree: expect.stringContaining('holds a table lock on products'),
        victims: Array(tree.length - 1).fill(expect.stringMatching(/└ waits for .*from "products"/)),
      })
      await watched.event(/blocked.*holds a table lock on products/)
      await watched.event(/degraded/)
      await eventually(() => load.failed > clients, patience)
    }
    await expectRecovery({ watched, load, cause: /^warning: Until .* waited for a table lock on products/ })
  }, 120_000)

  test('slow statements: which, how many connections they hold, and that it is over', async () => {
    const service = serviceOf('product')
    await service.execute(slowTrigger(0))
    await service.execute(
      'create or replace trigger slowly before update on stock for each row execute function slowly()',
    )
    await using watched = await watchService(browser, service)
    await using load = await startShopping()
    await eventually(() => load.answered > 2 * clients, patience)
    await service.execute(slowTrigger(4))
    const { reason, status } = await watched.named(/connections are at the same statement/)
    const running = await watched.details('Running statements')
    expect({ reason, status, running: running[0] }).toEqual({
      reason: expect.stringMatching(/^[234] of 4 connections are at the same statement, .*: update "stock"/),
      status: expect.stringMatching(/[234] of 4 connections are at the same statement, .*: update "stock"/),
      running: expect.stringMatching(/active.*update "stock"/),
    })
    await watched.event(/degraded/)
    await eventually(() => load.failed > clients, patience)
    await service.execute(slowTrigger(0))
    await expectRecovery({
      watched,
      load,
      cause: /^warning: [234] of 4 connections were at the same statement, .*: update "stock"/,
    })
  }, 120_000)

  test('a leak: the statement before it, where it was taken, and that it came back', async () => {
    const { target } = serviceOf('cart')
    await using watched = await watchService(browser, serviceOf('cart'))
    await using load = startIncidentLoad(target, { clients, next: () => ({ method: 'GET', path: '/carts' }) })
    await eventually(() => load.answered > 2 * clients, patience)
    for (let leaks = 0; leaks < 4; leaks++) await fetch(`${target.url}/leak`, { method: 'POST' })
    const { reason, status } = await watched.named(/4 of 4 connections are idle in transaction/)
    const running = await watched.details('Running statements')
    expect({ reason, status, running }).toEqual({
      reason: expect.stringContaining('the last statement: select id from carts for share.'),
      status: expect.stringContaining('the last statement: select id from carts for share.'),
      running: Array(4).fill(expect.stringMatching(/idle in transaction.*select id from carts for share/)),
    })
    await watched.event(/degraded/)
    await watched.event(/lease-leaked.*leaking-cart\.ts/)
    await eventually(() => load.failed > clients, patience)
    await fetch(`${target.url}/leak`, { method: 'DELETE' })
    const advice = await expectRecovery({ watched, load, cause: /^warning: 4 of 4 connections were idle/ })
    expect(advice).toContainEqual(
      expect.stringMatching(/^info: Until .* a connection was kept from the pool: .*leaking-cart\.ts/),
    )
  }, 120_000)

  test('a full server: that it has no connection left, and that it has some again', async () => {
    const service = serviceOf('product')
    const { appUrl } = await world.postgres.database('reports')
    await using watched = await watchService(browser, service)
    await using server = watchServer(world.postgres.adminUrl)
    // Room that is made by one that ends later would be the service's.
    await server.hasProbesAlone()
    await using full = new AsyncDisposableStack()
    full.use(fillServer(appUrl))
    await server.isFull()
    await using load = startIncidentLoad(service.target, { clients, next: () => readOrChange(noProduct) })
    const { reason, status } = await watched.named(/no connection left for this role/)
    expect([reason, status]).toEqual(Array(2).fill(expect.stringContaining('failed (53300)')))
    await watched.event(/connect-failed.*53300/)
    await watched.event(/degraded/)
    await eventually(() => load.failed > clients, patience)
    await full.disposeAsync()
    await expectRecovery({ watched, load, cause: /^(warning|critical): .*no connection left for this role/ })
  }, 120_000)

  test('a restart of PostgreSQL: that it is gone, and what was lost with it', async () => {
    const { postgres } = world
    await using watched = await watchService(browser, serviceOf('product'))
    await using load = await startShopping()
    await eventually(() => load.answered > 2 * clients, patience)
    await postgres.stop()
    await watched.named(/The database has not answered since .*code (ECONNREFUSED|57P0\d)/)
    await eventually(() => load.failed > clients, patience)
    await postgres.restart()
    await expectRecovery({ watched, load, cause: /^warning: The server was started .* ago: .* failed/ })
  }, 120_000)

  test('a restart without load: nothing failed, and no connection was lost for no reason', async () => {
    const service = serviceOf('product')
    await using watched = await watchService(browser, service)
    await addProduct(service.target.url)
    await world.postgres.stop()
    await world.postgres.restart()
    await eventually(
      () => [...watched.given].some((text) => text.startsWith('The server was started')),
      patience,
    )
    await watched.healthy()
    expect([...watched.given].filter((text) => misleading.test(text))).toEqual([])
    expect(await watched.failures()).toEqual({ card: 0, status: 0, metrics: 0 })
  }, 120_000)
}

/** Waits until an incident is over, and expects all numbers to be the load's, and the cause among what is advised. */
async function expectRecovery({
  watched,
  load,
  cause,
}: {
  watched: WatchedService
  load: IncidentLoad
  cause: RegExp
}): Promise<string[]> {
  await watched.event(/recovered/)
  await load.stop()
  await watched.healthy()
  const { failed } = load
  const counted = { card: failed, status: failed, metrics: failed }
  await eventually(async () => expect(await watched.failures()).toEqual(counted), patience)
  const advice = await watched.advice()
  expect(advice).toContainEqual(expect.stringMatching(cause))
  expect([...watched.given].filter((text) => misleading.test(text))).toEqual([])
  expect(watched.problems).toEqual([])
  return advice
}

async function addProduct(url: string): Promise<string> {
  const response = await fetch(`${url}/products`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sku: crypto.randomUUID(), name: 'Tea', priceMinor: 1, currency: 'EUR' }),
  })
  return ((await response.json()) as { id: string }).id
}

const noProduct = crypto.randomUUID()

function readOrChange(id: string): LoadRequest {
  return Math.random() < 0.5
    ? { method: 'GET', path: `/products/${id}` }
    : { method: 'POST', path: `/products/${id}/stock`, body: { delta: 1 } }
}

/** A trigger's function that takes up to so many seconds, half of them at least. */
const slowTrigger = (seconds: number): string =>
  `create or replace function slowly() returns trigger language plpgsql
   as $$ begin perform pg_sleep(${seconds} * (0.5 + random() / 2)); return new; end $$`

/** Looks at the sessions of a server over one of its own, which stays. */
function watchServer(url: string) {
  const database = createDatabase({ name: 'observer', url, pool: { poolSize: 1, maxOverflow: 0 } })
  const eventuallyTrue = (condition: string) =>
    eventually(async () => {
      const [row] = await database.db.execute<{ holds: boolean }>(
        `select ${condition} as holds from pg_stat_activity
         where backend_type = 'client backend' and application_name not like 'observer%'`,
      )
      return row?.holds === true
    }, patience)
  return {
    /** Waits until the services have closed their idle connections, and all others are gone too. */
    hasProbesAlone: () =>
      eventuallyTrue("bool_and(application_name like '% health' or usename = 'postgres')"),
    /** Waits until there is room for superusers alone; those that begin and are about to be refused do not count. */
    isFull: () =>
      eventuallyTrue(
        `count(*) filter (where state in ('active', 'idle', 'idle in transaction')) + (select count(*) from pg_stat_activity where application_name like 'observer%')
         >= current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int`,
      ),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

/** Takes every connection that the server has left for roles like this one. */
function fillServer(url: string): AsyncDisposable {
  const most = 40
  const over = Promise.withResolvers<void>()
  const holder = createDatabase({
    name: 'reports',
    url,
    // What comes free meanwhile is taken too.
    pool: { poolSize: most, maxOverflow: 0, sharedDepth: 1, checkoutTimeoutMs: 600_000 },
    connection: { definitionsCheckMs: 0 },
  })
  const held = Array.from({ length: most }, () => holder.use(() => over.promise).catch(() => undefined))
  return {
    async [Symbol.asyncDispose]() {
      over.resolve()
      await holder.close({ timeoutMs: 500 })
      await Promise.all(held)
    },
  }
}

if (program === null) {
  console.warn(
    'The replays of incidents in a browser were not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`an incident in the console (${program})`, () => tests(program))
}
