import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { withDatabase } from '@shared/postgres/testing'
import { createServiceApp } from '../src/index.ts'
import type { HostileRoute } from '../src/testing/hostile/attacks.ts'
import {
  attackMethods,
  attackRoute,
  sendTrickyTexts,
  unlistedRoutes,
  useRoutes,
} from '../src/testing/hostile/hostile-input.ts'

const routes: HostileRoute[] = [
  { method: 'GET', path: '/notes/:id', params: { id: '1' } },
  { method: 'POST', path: '/notes', body: { text: 'hello' }, anyText: ['text'] },
]

/** A service as it should not be: SQL from pasted texts, and anything taken for a note. */
async function openSloppyService() {
  const postgres = await withDatabase()
  const owner = createDatabase({ name: 'owner', url: postgres.migratorUrl })
  await owner.db.execute('create table notes (id int generated always as identity, text text)')
  await owner.db.execute(`insert into notes (text) values ('first')`)
  const database = createDatabase({ name: 'sloppy', url: postgres.appUrl })
  // Short, as one of the attacks sleeps where it is let in; what is harmless is answered in it.
  const app = createServiceApp({ service: 'sloppy', version: '1', database, requestTimeoutMs: 3_000 })
  await database.connect()
  app.get('/notes/:id', async (c) =>
    c.json(await database.db.execute(`select text from notes where id = ${c.req.param('id')}`)),
  )
  app.post('/notes', async (c) => {
    const { text } = await c.req.json<{ text: string }>()
    await database.db.execute(`insert into notes (text) values ('${text}')`)
    return c.body(null, 201)
  })
  app.all('/anything', (c) => c.text('yes'))
  app.delete('/notes', (c) => c.text('gone', 410))
  return {
    app,
    database,
    async [Symbol.asyncDispose]() {
      await database.close()
      await owner.close()
      await postgres.drop()
    },
  }
}

test('the attacks find what a sloppy service does wrong', async () => {
  await using service = await openSloppyService()
  const [read, write] = routes as [HostileRoute, HostileRoute]
  expect(await useRoutes(service.app, routes)).toEqual([])
  expect(unlistedRoutes(service.app, routes)).toEqual(['DELETE /notes'])

  const reading = (await attackRoute(service, read)).findings.join('\n')
  expect(reading).toMatch(/GET \/notes\/:id · :id = .*: 500/)
  const writing = (await attackRoute(service, write)).findings.join('\n')
  expect(writing).toMatch(/POST \/notes · text = "null": 201/)
  expect(writing).toContain('POST /notes: a row of notes is new or changed')
  expect((await sendTrickyTexts(service, write)).findings.join('\n')).toMatch(/text = .*drop table.*: 500/)
  expect((await attackMethods(service, routes)).findings).toEqual([
    expect.stringMatching(/^DELETE \/notes: 410 /),
  ])
}, 60_000)
