import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConnectError, createDatabase, type Database, findDatabaseError } from '../src/index.ts'
import { printed } from './printed.ts'
import { createFixture, type Fixture, firstRow, observed } from './support.ts'

const role = `rotating_${process.pid}`
let folder: string
let file: string
let fixture: Fixture
let admin: Database<Record<string, never>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'password-file-'))
  file = join(folder, 'password')
  fixture = await createFixture()
  admin = fixture.open({ name: 'admin', url: fixture.test.adminUrl })
  await admin.db.execute(sql.raw(`create role ${role} login`))
  await admin.db.execute(sql.raw(`grant connect on database "${fixture.test.name}" to ${role}`))
}, 60_000)

afterAll(async () => {
  await eventually(async () => {
    await admin.db.execute(sql.raw(`drop owned by ${role}`))
    await admin.db.execute(sql.raw(`drop role ${role}`))
  })
  await fixture[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}, 60_000)

const setRole = (password: string) => admin.db.execute(sql.raw(`alter role ${role} password '${password}'`))
const setFile = (password: string) => writeFileSync(file, `${password}\n`)

/** The role's database handle; the password in its URL is wrong, so only the file's can do. */
function open(events: string[] = [], connection = {}) {
  const url = new URL(fixture.test.adminUrl)
  url.username = role
  url.password = 'canary-of-the-url'
  return createDatabase({
    name: 'rotating',
    url: url.href,
    passwordFile: file,
    connection,
    // On a busy machine a checkout may be slow, which is an event too.
    pool: { slowCheckoutMs: 0 },
    onEvent: ({ type }) => events.push(type),
  })
}

const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )
const refusal = async (work: PromiseLike<unknown>) => {
  const error = await thrownBy(work)
  return error instanceof ConnectError
    ? { sqlState: error.sqlState, code: error.driverCode, retryable: error.retryable }
    : error
}
const wrongPassword = { sqlState: '28P01', code: null, retryable: false }

describe('a password in a file', () => {
  test('is rotated without a restart: new connections take the new one, old ones go on', async () => {
    await setRole('one')
    setFile('one')
    const database = open()
    try {
      const pid = sql`select pg_backend_pid() as pid`
      const before = await firstRow<{ pid: number }>(database.db.execute(pid))
      await setRole('two')
      setFile('two')
      const [old, fresh] = await database.use(async ({ db }) => [
        await firstRow<{ pid: number }>(db.execute(pid)),
        await firstRow<{ pid: number }>(database.db.execute(pid)),
      ])
      expect(old).toEqual(before)
      expect(fresh?.pid).not.toBe(before.pid)
      expect(await observed(database)).toBe('answers')
    } finally {
      await database.close({ timeoutMs: 0 })
    }
  }, 60_000)

  test.each([
    ['the role is changed first', setRole, setFile],
    ['the file is changed first', setFile, setRole],
  ] as const)(
    'is refused between the two changes and taken after both: %s',
    async (_, first, second) => {
      await setRole('before')
      setFile('before')
      const database = open()
      const other = open()
      try {
        await database.connect()
        await first('after')
        const between = {
          old: await firstRow(database.db.execute(sql`select 1 as n`)),
          fresh: await refusal(other.connect({ timeoutMs: 20_000 })),
          outside: await observed(other),
        }
        expect(between).toMatchObject({
          old: { n: 1 },
          fresh: wrongPassword,
          outside: '28P01',
        })
        await second('after')
        await other.connect({ timeoutMs: 20_000 })
        database.invalidate()
        expect(await firstRow(database.db.execute(sql`select 2 as n`))).toEqual({ n: 2 })
        await eventually(async () => (await observed(other)) === 'answers')
      } finally {
        await Promise.all([database.close({ timeoutMs: 0 }), other.close({ timeoutMs: 0 })])
      }
    },
    60_000,
  )

  test.each([
    ['missing', () => rmSync(file, { force: true }), 'ENOENT'],
    ['empty', () => writeFileSync(file, '\n'), 'empty'],
    ['not text', () => writeFileSync(file, new Uint8Array([0x63, 0xff])), 'ERR_ENCODING'],
    ['too large', () => writeFileSync(file, 'canary'.repeat(20_000)), 'larger than 64 KiB'],
  ])(
    'is waited for when the file is %s, and the error names the file',
    async (_, spoil, reason) => {
      await setRole('right')
      spoil()
      const events: string[] = []
      const database = open(events)
      try {
        // On a busy machine half a second may be over before the file was read.
        const error = await eventually(async () => {
          const thrown = (await thrownBy(database.connect({ timeoutMs: 500 }))) as ConnectError
          expect(thrown).toBeInstanceOf(ConnectError)
          expect(thrown.driverCode).not.toBeNull()
          return thrown
        })
        expect(error).toMatchObject({ driverCode: 'PASSWORD_FILE', sqlState: null, retryable: true })
        expect(error.message).toContain(file)
        expect(error.message).toContain(reason)
        expect(printed(error)).not.toContain('canarycanary')
        const waiting = database.connect({ timeoutMs: 20_000 })
        setFile('right')
        await waiting
        expect(events).toContain('connect-failed')
      } finally {
        await database.close({ timeoutMs: 0 })
      }
    },
    60_000,
  )

  test('that can not be read is no sign that a running statement is dead', async () => {
    await setRole('right')
    setFile('right')
    const events: string[] = []
    const database = open(events, { stallAfterMs: 500 })
    try {
      await database.connect()
      const long = firstRow(database.db.execute(sql`select 'done' as state, pg_sleep(2.5)`))
      rmSync(file)
      expect(await long).toMatchObject({ state: 'done' })
      expect(events).toEqual([])
    } finally {
      setFile('right')
      await database.close({ timeoutMs: 0 })
    }
  }, 60_000)

  test('is not to be seen in the handle or in its errors, nor is the one in the URL', async () => {
    await setRole('canary-of-the-file')
    setFile('canary-of-the-file')
    const database = open()
    try {
      await database.connect()
      await setRole('else')
      database.invalidate()
      const error = await thrownBy(database.connect({ timeoutMs: 20_000 }))
      const shown = [error, database, database.db, database.db.$client.options, database.events()]
        .map((part) => printed(part))
        .join('\n')
      expect(shown).toContain('28P01')
      expect(shown).not.toContain('canary')
    } finally {
      await database.close({ timeoutMs: 0 })
    }
  }, 60_000)

  test('must have a name', () => {
    expect(() => createDatabase({ name: 'x', url: fixture.test.appUrl, passwordFile: '' })).toThrow(
      'passwordFile',
    )
  })
})
