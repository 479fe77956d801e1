import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { createDatabase, type Database } from '@shared/database'
import { eventually, startCluster, type TestCluster, withDatabase } from '@shared/postgres/testing'
import { createServiceApp, type ServiceApp } from '../src/index.ts'
import { listen } from '../src/serve/listen.ts'
import { keepLines } from './log-lines.ts'

const header = 'X-Written-Until'

/** A service whose notes are read from standbys. */
function openNotes(database: Database<Record<string, never>>): ServiceApp {
  const app = createServiceApp({ service: 'notes', version: '1', database })
  app.get('/notes', async (c) => {
    const rows = await database.reads.execute<{ text: string; replica: boolean }>(
      'select text, pg_is_in_recovery() as replica from notes union all select null, pg_is_in_recovery() order by 1',
    )
    return c.json({
      notes: rows.map(({ text }) => text).filter((text) => text !== null),
      replica: rows[0]?.replica,
    })
  })
  app.post('/notes', async (c) => {
    await database.db.execute(`insert into notes values ('${c.req.query('text')}')`)
    if (c.req.query('fails') !== undefined) throw new Error('It fails afterwards.')
    return c.body(null, 201)
  })
  return app
}

describe('on a database with a standby', () => {
  let cluster: TestCluster
  let database: Database<Record<string, never>>
  let app: ServiceApp

  beforeAll(async () => {
    cluster = await startCluster()
    const { appUrl, migratorUrl } = await cluster.database('notes')
    const owner = createDatabase({ name: 'owner', url: migratorUrl })
    await owner.db.execute('create table notes (text text)')
    await owner.close()
    const [standby] = cluster.standbys
    if (!standby) throw new Error('no standby')
    await cluster.caughtUp(standby)
    const hosts = cluster.servers.map(({ host, port }) => `${host}:${port}`).join(',')
    const { username, password, pathname } = new URL(appUrl)
    database = createDatabase({
      name: 'notes',
      url: `postgresql://${username}:${password}@${hosts}${pathname}`,
      replicas: {},
    })
    app = openNotes(database)
    await database.connect()
    await eventually(async () => (await read()).replica === true)
    await cluster.pauseReplay(standby)
  }, 60_000)
  afterAll(async () => {
    await database?.close({ timeoutMs: 0 })
    await cluster?.stop()
  }, 60_000)

  const read = async (mark?: string) => {
    const response = await app.request('/notes', { headers: mark === undefined ? {} : { [header]: mark } })
    const body = (await response.json()) as { notes: string[]; replica: boolean }
    return { status: response.status, echo: response.headers.get(header), ...body }
  }
  /** Reads until it was from the standby: the primary takes a read that a busy standby does not get to within its time. */
  const readStandby = (mark?: string) =>
    eventually(async () => {
      const answer = await read(mark)
      if (!answer.replica) throw new Error('the primary took the read')
      return answer
    })
  const write = (query: string) => app.request(`/notes?${query}`, { method: 'POST' })

  test('an answer says what its request has written, and a request that sends it back reads that', async () => {
    const written = await write('text=first')
    const mark = written.headers.get(header)
    expect({ status: written.status, mark }).toEqual({
      status: 201,
      mark: expect.stringMatching(/^notes_db\w*:[0-9A-F]+\/[0-9A-F]+$/),
    })
    expect({ without: await readStandby(), with: await read(mark ?? '') }).toEqual({
      without: { status: 200, echo: null, notes: [], replica: true },
      with: { status: 200, echo: null, notes: ['first'], replica: false },
    })
  })

  test('one that failed after it had written says so too', async () => {
    const failed = await write('text=second&fails')
    expect({ status: failed.status, mark: failed.headers.get(header) }).toEqual({
      status: 500,
      mark: expect.stringContaining('/'),
    })
    expect((await read(failed.headers.get(header) ?? '')).notes).toContain('second')
  })

  test('what is no mark of this database is ignored, or leads to the primary, and is never an error', async () => {
    const [name] = ((await write('text=third')).headers.get(header) ?? '').split(':')
    const marks: Record<string, string> = {
      'of another database': 'cart_db:FFFFFFFF/FFFFFFFF',
      'a prefix of its name': `${name}`,
      empty: '',
      'too long': `${name}:${'0'.repeat(300)}/1`,
      SQL: "'; drop table notes; --",
      'no ASCII': 'n\u00f6tes:0/1',
      'far in the past': `${name}:0/1`,
      'far in the future': `${name}:FFFFFFFF/FFFFFFFF`,
      'no position': `${name}:here`,
      'not known': `${name}:unknown`,
      'two of them': `${name}:0/1, ${name}:0/2`,
      negative: `${name}:-1/-1`,
    }
    const primaries = ['far in the future', 'no position', 'not known', 'two of them', 'negative']
    const seen: Record<string, unknown> = {}
    for (const [what, mark] of Object.entries(marks)) {
      const { status, echo, replica } = await (primaries.includes(what) ? read : readStandby)(mark)
      seen[what] = `${status} ${replica ? 'standby' : 'primary'}${echo === null ? '' : ` echoes ${echo}`}`
    }
    expect(seen).toEqual({
      'of another database': '200 standby',
      'a prefix of its name': '200 standby',
      empty: '200 standby',
      'too long': '200 standby',
      SQL: '200 standby',
      'no ASCII': '200 standby',
      'far in the past': '200 standby',
      'far in the future': '200 primary',
      'no position': '200 primary',
      'not known': '200 primary',
      'two of them': '200 primary',
      negative: '200 primary',
    })
  })

  test('raw bytes in it break no answer, add no header to one, and stop nothing', async () => {
    const { logger } = keepLines()
    const server = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0, logger })
    try {
      const marks = {
        'a megabyte': 'x'.repeat(1_000_000),
        'a line break and a header': 'notes_db:0/1\r\nX-Injected: yes',
        'a folded line': 'notes_db:0/1\r\n X-Injected: yes',
        'a bare CR': 'notes_db:0/1\rX-Injected: yes',
        'an encoded line break': 'notes_db%0d%0aX-Injected:0/1',
        NUL: 'notes_db:\0',
        'no UTF-8': 'notes_db:\xff\xfe',
      }
      const seen: Record<string, unknown> = {}
      for (const [what, mark] of Object.entries(marks)) {
        const answer = await exchange(server.port, mark)
        seen[what] = {
          answered: /^HTTP\/1\.1 (200|4\d\d) |^$/.test(answer),
          injected: /X-Injected/i.test(answer),
        }
      }
      expect(seen).toEqual(
        Object.fromEntries(Object.keys(marks).map((what) => [what, { answered: true, injected: false }])),
      )
      expect(await read()).toMatchObject({ status: 200 })
    } finally {
      await server.stop(true)
    }
  }, 60_000)
})

test('on one server no answer has the header, and one that is sent changes nothing', async () => {
  await using postgres = await withDatabase()
  const owner = createDatabase({ name: 'owner', url: postgres.migratorUrl })
  await owner.db.execute('create table notes (text text)')
  await owner.close()
  const database = createDatabase({ name: 'notes', url: postgres.appUrl, replicas: {} })
  const app = openNotes(database)
  const written = await app.request('/notes?text=first', {
    method: 'POST',
    headers: { [header]: `${new URL(postgres.appUrl).pathname.slice(1)}:unknown` },
  })
  const response = await app.request('/notes')
  expect({
    written: [written.status, written.headers.get(header)],
    read: [response.status, response.headers.get(header), await response.json()],
  }).toEqual({ written: [201, null], read: [200, null, { notes: ['first'], replica: false }] })
  await database.close()
})

/** Sends a request with a header of raw bytes; returns the head of the answer, empty when there was none. */
function exchange(port: number, mark: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () =>
      socket.write(
        Buffer.from(
          `GET /notes HTTP/1.1\r\nHost: notes\r\n${header}: ${mark}\r\nConnection: close\r\n\r\n`,
          'latin1',
        ),
      ),
    )
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    // A reset amid our bytes is an answer too.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(answer))
  })
}
