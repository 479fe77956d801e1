import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/product'
import { eventually } from '@shared/postgres/testing'
import { openService, type TestService } from '@shared/service/testing'
import { sql } from 'drizzle-orm'
import { createApp } from '../src/app.ts'

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/product').replace('schema.ts', 'migrations'),
  )
  service = await openService({
    service: 'product',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, sessions: null }),
  })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

test('requests that wait for a locked table hold up no others', async () => {
  const product = { sku: 'LAMP', name: 'Lamp', priceMinor: 1999, currency: 'EUR' }
  const { body } = await service.send('POST', '/products', product)
  const list = async () => (await service.send('GET', '/products')).status
  const read = async () => (await service.send('GET', `/products/${body.id}`)).status
  for (let i = 0; i < 4; i++) await Promise.all([list, read].flatMap((get) => Array.from({ length: 8 }, get)))
  const unlock = Promise.withResolvers<void>()
  const isLocked = Promise.withResolvers<void>()
  const locking = service.database.db.transaction(async (tx) => {
    await tx.execute(sql`lock table ${schema.stock}`)
    isLocked.resolve()
    await unlock.promise
  })
  await isLocked.promise
  const stuck: Promise<number>[] = []
  const answers: number[] = []
  for (let burst = 0; burst < 3; burst++) {
    const requests = Array.from({ length: 8 }, list)
    stuck.push(read(), read())
    requests.push(...Array.from({ length: 8 }, list))
    // The table is still locked: what answers now did not wait for it.
    answers.push(...(await Promise.all(requests)))
  }
  unlock.resolve()
  await locking
  expect({ answers: new Set(answers), stuck: new Set(await Promise.all(stuck)) }).toEqual({
    answers: new Set([200]),
    stuck: new Set([200]),
  })
}, 60_000)

test('a write whose session ends before it is committed is made once, and the request does not notice', async () => {
  const product = { sku: 'CHAIR', name: 'Chair', priceMinor: 4900, currency: 'EUR' }
  const { body } = await service.send('POST', '/products', product)
  const unlock = Promise.withResolvers<void>()
  const isLocked = Promise.withResolvers<void>()
  const locking = service.database.db.transaction(async (tx) => {
    await tx.execute(sql`lock table ${schema.stock}`)
    isLocked.resolve()
    await unlock.promise
  })
  await isLocked.promise
  const changing = service.send('POST', `/products/${body.id}/stock`, { delta: 5 })
  await eventually(async () => {
    const ended = await service.database.db.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`)
    return ended.length > 0
  })
  unlock.resolve()
  await locking
  const { status, body: changed } = await changing
  const { body: after } = await service.send('GET', `/products/${body.id}`)
  expect({ status, quantity: changed.quantity, stock: after.stock }).toEqual({
    status: 200,
    quantity: 5,
    stock: 5,
  })
}, 60_000)
