import { expect, test } from 'bun:test'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { SideConnection } from '../src/connection/side-connection.ts'
import type { SqlConnection } from '../src/connection/sql-connection.ts'
import { createDatabase } from '../src/index.ts'
import { audit, startLoad } from './cluster/world.ts'
import { createFixture } from './support.ts'

test('when a server is restarted in order no statement fails, and every write is done once', async () => {
  await using server = await startTestServer()
  const urls = await server.database()
  const owner = createDatabase({ name: 'owner', url: urls.migratorUrl })
  await owner.db.execute(sql`create table writes (id int not null, caller int not null)`)
  await owner.close()
  const database = createDatabase({ name: 'layer', url: urls.appUrl, pool: { poolSize: 10, maxOverflow: 0 } })
  await using _ = { [Symbol.asyncDispose]: () => database.close() }
  // Of one server it is by its other session that a shutdown is told from the end of one session.
  await database.observe((connection, leftMs) => connection.ping(leftMs))
  const load = startLoad(database)
  await eventually(() => load.tally.written.size > 200)
  await server.stop()
  await server.restart()
  const before = load.tally.written.size
  await eventually(() => load.tally.written.size > before + 200)
  await load.stop()
  const rows = (await database.db.execute(sql`select id from writes`)) as unknown as { id: number }[]
  expect({ failures: load.tally.failures, ...audit(load.tally, rows) }).toEqual({
    failures: {},
    lost: 0,
    twice: 0,
    invented: 0,
  })
}, 180_000)

test('that the server has ended all sessions is seen also where the event loop was blocked as it did', async () => {
  const session = { lost: false }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  const ours = connect({ port, host: '127.0.0.1' }).once('data', () => {
    session.lost = true
  })
  const [theirs] = await accepted
  const side = new SideConnection({ name: 'side', open: async () => session as SqlConnection })
  await side.ask(async () => {})
  const isLost = side.isLostWithin(20)
  theirs.write('the end')
  const until = performance.now() + 200
  while (performance.now() < until);
  expect(await isLost).toBe(true)
  ours.destroy()
  theirs.destroy()
  server.close()
})

test('a statement whose session alone is ended is not run again', async () => {
  await using fixture = await createFixture()
  const { database } = fixture
  await database.observe((connection, leftMs) => connection.ping(leftMs))
  const answer = database.db.execute(sql`select pg_sleep(60), ${1}::int`).then(
    () => null,
    (error: unknown) => error,
  )
  await eventually(() => fixture.isRunning('pg_sleep(60)'))
  const [running] = (await fixture.backends()).filter(({ query }) => query.includes('pg_sleep(60)'))
  await fixture.terminate(running?.pid)
  expect(await answer).not.toBeNull()
  expect(await fixture.isRunning('pg_sleep(60)')).toBe(false)
})
