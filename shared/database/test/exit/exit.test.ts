import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { type SQL, sql } from 'drizzle-orm'
import { type ConnectionOptions, createDatabase } from '../../src/index.ts'
import { createAuthority } from '../certificates.ts'
import { startTlsServer } from '../tls-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'exit-'))
const script = join(import.meta.dir, 'script.ts')
beforeAll(async () => {
  await Bun.build({ entrypoints: [script], outdir: folder, naming: 'script.mjs', target: 'node' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the script, and says what it printed; one that does not end by itself is killed. */
async function run(runtime: string, url: string, work = '', connection: Partial<ConnectionOptions> = {}) {
  const file = runtime === 'bun' ? script : join(folder, 'script.mjs')
  const child = Bun.spawn([runtime === 'bun' ? process.execPath : runtime, file], {
    env: {
      PATH: process.env.PATH ?? '',
      URL: url,
      WORK: work,
      CONNECTION: JSON.stringify({ allowExitOnIdle: true, ...connection }),
    },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
  })
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { output: output.trim().split('\n').sort().join(', '), errors, code }
}

describe.each(['bun', 'node'])('with allowExitOnIdle a script without close() on %s', (runtime) => {
  test('ends when its work is over, and not before', async () => {
    await using postgres = await withDatabase()
    expect({
      none: await run(runtime, postgres.appUrl),
      statements: await run(runtime, postgres.appUrl, 'statements'),
      transaction: await run(runtime, postgres.appUrl, 'transaction'),
      uses: await run(runtime, postgres.appUrl, 'uses'),
    }).toEqual({
      none: { output: '', errors: '', code: 0 },
      statements: { output: 'slept 1, slept 2, slept 3, slept 4', errors: '', code: 0 },
      transaction: { output: 'committed', errors: '', code: 0 },
      uses: { output: 'streamed 15, copied 16', errors: '', code: 0 },
    })
    await expectNoBackend(postgres.adminUrl)
  }, 200_000)

  test('is kept by no watch of the layer, nor by the connection beside the pool', async () => {
    await using postgres = await withDatabase()
    const { host, port } = new URL(postgres.appUrl)
    const twoHosts = postgres.appUrl.replace(host, `${host},localhost:${port}`)
    expect({
      watches: await run(runtime, postgres.appUrl, 'watched'),
      ceiling: await run(runtime, postgres.appUrl, 'watched', { maxRoleConnections: 20 }),
      hosts: await run(runtime, twoHosts, 'watched'),
    }).toEqual({
      watches: { output: '', errors: '', code: 0 },
      ceiling: { output: '', errors: '', code: 0 },
      hosts: { output: '', errors: '', code: 0 },
    })
    await expectNoBackend(postgres.adminUrl)
  }, 200_000)

  test('is kept by a subscription, until that ends', async () => {
    await using postgres = await withDatabase()
    await using observer = openObserver(postgres.adminUrl)
    const ended: string[] = []
    const noting = (work: string) =>
      run(runtime, postgres.appUrl, work).finally(() => ended.push(work === '' ? 'without' : 'with'))
    const running = noting('listening')
    await eventually(async () => (await observer.listening()) === 1)
    // It has nothing else to do by then: the time that another one takes to start and to end by itself is enough for it.
    await noting('')
    ended.push('notified')
    await observer.notify('news', 'heard')
    expect([await running, ended]).toEqual([
      { output: 'heard', errors: '', code: 0 },
      ['without', 'notified', 'with'],
    ])
    await expectNoBackend(postgres.adminUrl)
  }, 200_000)

  test('ends over TLS too', async () => {
    await using tls = await startTlsServer()
    await tls.use(createAuthority('exit').issue(['localhost']))
    const { appUrl } = await tls.server.database()
    expect(await run(runtime, appUrl, 'statements', { sslMode: 'require' })).toEqual({
      output: 'slept 1, slept 2, slept 3, slept 4',
      errors: '',
      code: 0,
    })
  }, 200_000)
})

test('without it a script is kept by its connections', async () => {
  await using postgres = await withDatabase()
  const child = Bun.spawn([process.execPath, script], {
    env: { PATH: process.env.PATH ?? '', URL: postgres.appUrl },
    stdout: 'ignore',
  })
  await using observer = openObserver(postgres.adminUrl)
  // It is done when its connections are idle, and is there when the watches have looked.
  await eventually(async () => (await observer.idle()) >= 2)
  const ended = await run('bun', postgres.appUrl)
  expect([ended.code, child.exitCode]).toEqual([0, null])
  child.kill('SIGKILL')
  await child.exited
}, 200_000)

async function expectNoBackend(url: string): Promise<void> {
  await using observer = openObserver(url)
  await eventually(async () => (await observer.idle()) === 0)
}

function openObserver(url: string) {
  const database = createDatabase({ name: 'observer', url, pool: { poolSize: 1 } })
  const count = async (condition: SQL) => {
    const [row] = await database.db.execute<{ count: number }>(
      sql`select count(*)::int as count from pg_stat_activity where datname = current_database() and ${condition}`,
    )
    return row?.count ?? -1
  }
  return {
    notify: database.notify,
    idle: () => count(sql`application_name like 'script%'`),
    /** Sessions that have been through LISTEN, and maybe asked whether the server is there since. */
    listening: () =>
      count(sql`application_name = 'script listen' and state = 'idle' and query ~* '^(listen|select 1)\\M'`),
    [Symbol.asyncDispose]: () => database.close(),
  }
}
