import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConnectError, createDatabase, findDatabaseError } from '../src/index.ts'
import { firstRow } from './support.ts'

let place: TestDatabase
let url: URL

beforeAll(async () => {
  place = await withDatabase()
  url = new URL(place.appUrl)
})
afterAll(() => place.drop())

/** What the server sees of a connection by this string: settings by their names. */
async function settingsBy(text: string, ...names: string[]): Promise<Record<string, unknown>> {
  await using database = open(text)
  const columns = names.map((name) => sql`current_setting(${name}, true) as ${sql.identifier(name)}`)
  return await firstRow(database.db.execute(sql`select ${sql.join(columns, sql`, `)}`))
}

function open(text: string) {
  const database = createDatabase({ name: 'string', url: text, pool: { poolSize: 3 } })
  return { ...database, [Symbol.asyncDispose]: () => database.close({ timeoutMs: 0 }) }
}

describe('a connection string', () => {
  test('in the form of keyword=value pairs connects', async () => {
    const { hostname, port, username, password, pathname } = url
    const text = `host=${hostname} port=${port} user=${username} password='${password}' dbname=${pathname.slice(1)} application_name='by pairs'`
    expect(await settingsBy(text, 'application_name')).toEqual({ application_name: 'by pairs' })
  })

  test('sends settings of the server, and options, which the session begins with and keeps after a reset', async () => {
    const text = `${url.href}?search_path=one,two&app.tenant=7&options=-c%20work_mem%3D8MB%20-c%20lock_timeout%3D5s`
    const names = ['search_path', 'app.tenant', 'work_mem', 'lock_timeout']
    const expected = { search_path: 'one,two', 'app.tenant': '7', work_mem: '8MB', lock_timeout: '5s' }
    expect(await settingsBy(text, ...names)).toEqual(expected)
    await using database = open(text)
    await database.use(async ({ db }) => {
      await db.execute(sql`set search_path = other`)
    })
    expect(await firstRow(database.db.execute(sql`show search_path`))).toEqual({ search_path: 'one,two' })
  })

  test('wins over the options given beside it', async () => {
    await using database = open(`${url.href}?pool_size=7&application_name=of-the-string`)
    const row = await firstRow(database.db.execute(sql`show application_name`))
    expect<unknown>({ ...row, poolSize: database.status().poolSize }).toEqual({
      application_name: 'of-the-string',
      poolSize: 7,
    })
  })

  test('with parameters of no effect says so in one event', async () => {
    await using database = open(`${url.href}?pgbouncer=true&socket_timeout=5`)
    expect(database.events()).toMatchObject([
      {
        type: 'parameters-ignored',
        detail:
          'pgbouncer (a pooler is recognized at the login); socket_timeout (bound statements with `statement_timeout`, or with `within()`)',
      },
    ])
  })

  test('with a setting that the server does not know is refused by it, and the error says what to do', async () => {
    await using database = open(`${url.href}?serch_path=x`)
    const error = await database.connect().catch((thrown: unknown) => findDatabaseError(thrown))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({
      sqlState: '42704',
      retryable: false,
      message: expect.stringContaining('correct its name'),
    })
  })
})
