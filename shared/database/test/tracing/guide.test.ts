import { expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { channels } from '../../src/index.ts'
import { createTracer } from '../../src/tracing/tracer.ts'
import { createFixture } from '../support.ts'
import { listen } from './listener.ts'

test('the guide has every field of every message, and no other', async () => {
  await using fixture = await createFixture()
  const { database } = fixture
  using listener = listen(database.name, ['statement', 'transaction', 'checkout', 'connect'])
  const failovers: object[] = []
  const onFailover = (message: unknown) => failovers.push(message as object)
  channels.failover.subscribe(onFailover)
  createTracer({ pool: 'p', database: 'd', host: null, port: null }).failover({
    host: { name: 'b', port: 2 },
    timeline: 2,
    before: { host: { name: 'a', port: 1 }, timeline: 1 },
  })
  channels.failover.unsubscribe(onFailover)
  await database.db.transaction((tx) => tx.execute(sql`select 1 / 0`)).catch(() => {})
  await database.close()
  await database.db.execute(sql`select 1`).catch(() => {})
  const refused = fixture.open({
    name: database.name,
    url: fixture.test.appUrl.replace(/\/[^/]*$/, '/nowhere'),
  })
  await refused.connect().catch(() => {})
  const published = new Fields()
  for (const field of Object.keys(failovers[0] ?? {})) published.add('failover', field)
  for (const { channel, fields } of listener.heard)
    for (const field of Object.keys(fields)) published.add(channel, field)
  const guide = await Bun.file(new URL('../../README.md', import.meta.url)).text()
  const [, table = ''] = guide.split('| field | of | |\n|---|---|---|\n')
  const described = new Fields()
  for (const row of table.split('\n\n')[0]?.split('\n') ?? []) {
    const [, names = '', of = ''] = row.split('|')
    const channelsOf = of.trim() === 'all' ? Object.keys(published.sorted()) : of.trim().split(', ')
    for (const channel of channelsOf)
      for (const [, name = ''] of names.matchAll(/`(\w+)`/g)) described.add(channel, name)
  }
  expect(described.sorted()).toEqual(published.sorted())
})

/** The fields of each channel. */
class Fields {
  readonly #of = new Map<string, Set<string>>()

  add(channel: string, field: string): void {
    this.#of.set(channel, (this.#of.get(channel) ?? new Set()).add(field))
  }

  sorted(): Record<string, string[]> {
    return Object.fromEntries(Array.from(this.#of, ([channel, fields]) => [channel, [...fields].sort()]))
  }
}
