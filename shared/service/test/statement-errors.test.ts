import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createServiceApp } from '../src/index.ts'
import { logStatements } from '../src/log/statement-log.ts'
import { keepLines } from './log-lines.ts'

const secret = 'canary-7f3a'

/** A service with a route whose statement breaks a rule of its table, and one whose statement names no column. */
async function openBroken(withValues: boolean) {
  const log = keepLines({ withValues })
  const postgres = await withDatabase()
  const migrator = createDatabase({ name: 'migrator', url: postgres.migratorUrl })
  await migrator.db.execute(
    'create table notes (id int primary key, title text not null constraint notes_title_short check (length(title) < 5))',
  )
  await migrator.close()
  const database = createDatabase({ name: 'notes', url: postgres.appUrl, connection: { slowQueryMs: 1_000 } })
  const app = createServiceApp({ service: 'notes', version: '1', database, logger: log.logger })
  app.get('/check', async (c) =>
    c.json(await database.db.execute(sql`insert into notes values (1, ${secret}) /* plain */`)),
  )
  app.get('/column', async (c) =>
    c.json(
      await database.db.execute(sql`select titel from notes where title = 'canary-in-text' and id = ${4711}`),
    ),
  )
  return {
    log,
    app,
    database,
    async [Symbol.asyncDispose]() {
      await database.close({ timeoutMs: 500 })
      await postgres.drop()
    },
  }
}

test('in development the log says of a failed statement all that helps: SQL, parameters, words of the server, names, caller', async () => {
  await using service = await openBroken(true)
  const bodies = [await service.app.request('/check'), await service.app.request('/column')]
  const [check, column] = service.log.lines().map(({ err }) => err)
  expect([check, column]).toMatchObject([
    {
      sqlState: '23514',
      statement: 'insert into notes values (1, $1) /* plain */',
      parameters: [secret],
      schema: 'public',
      table: 'notes',
      constraint: 'notes_title_short',
      serverMessage: 'new row for relation "notes" violates check constraint "notes_title_short"',
      detail: `Failing row contains (1, ${secret}).`,
      caller: expect.stringContaining('statement-errors.test.ts'),
    },
    {
      sqlState: '42703',
      statement: "select titel from notes where title = 'canary-in-text' and id = $1",
      parameters: [4711],
      serverMessage: 'column "titel" does not exist',
      hint: 'Perhaps you meant to reference the column "notes.title".',
      position: '8',
      caller: expect.stringContaining('statement-errors.test.ts'),
    },
  ])
  for (const body of bodies) expect(await body.text()).not.toMatch(/canary|notes|titel|insert|select/)
})

test('in production it says the same without a value, and the answer says nothing of it', async () => {
  await using service = await openBroken(false)
  const bodies = [await service.app.request('/check'), await service.app.request('/column')]
  const [check, column] = service.log.lines().map(({ err }) => err as Record<string, unknown>)
  const { frames: _1, ...ofCheck } = check ?? {}
  const { frames: _2, ...ofColumn } = column ?? {}
  expect([ofCheck, ofColumn]).toEqual([
    {
      class: 'PostgresError',
      code: '23514',
      sqlState: '23514',
      statement: 'insert into notes values (?, $1)',
      schema: 'public',
      table: 'notes',
      constraint: 'notes_title_short',
      caller: expect.stringContaining('statement-errors.test.ts'),
    },
    {
      class: 'PostgresError',
      code: '42703',
      sqlState: '42703',
      statement: 'select titel from notes where title = ? and id = $1',
      caller: expect.stringContaining('statement-errors.test.ts'),
    },
  ])
  expect(service.log.text()).not.toContain('canary')
  for (const body of bodies) expect(await body.text()).not.toMatch(/canary|notes|titel|insert|select/)
})

test('at level debug each statement is a line, without its values', async () => {
  await using service = await openBroken(false)
  const stop = logStatements(service.log.logger)
  await service.app.request('/column')
  stop()
  await service.app.request('/column')
  const lines = await eventually(() => {
    const found = service.log.lines().filter(({ msg }) => String(msg).startsWith('query:'))
    expect(found).toHaveLength(1)
    return found
  })
  expect(lines).toMatchObject([
    {
      level: 'debug',
      pool: 'notes',
      statement: 'select titel from notes where title = ? and id = $1',
      waitMs: expect.any(Number),
      durationMs: expect.any(Number),
      code: '42703',
    },
  ])
  expect(service.log.text()).not.toContain('canary')
})
