import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSession } from '../src/admin-connection.ts'
import { isAlive } from '../src/server/processes.ts'
import {
  eventually,
  pgBouncerPrograms,
  startPgBouncer,
  testPostgres,
  withDatabase,
} from '../src/testing/index.ts'
import { sweepTestServers } from '../src/testing/test-postgres.ts'
import { testDataRoot } from '../src/testing/test-settings.ts'

const programs = pgBouncerPrograms()

const logsIn = async (url: string, timeoutMs = 60_000) => {
  await using session = await openSession(url, { timeoutMs })
  const [row] = await session.sql<{ role: string }[]>`select current_user as role`
  return row?.role
}

test.each(programs)(
  'PgBouncer $version lets each user in as itself, and is gone when it is disposed',
  async (program) => {
    const database = await withDatabase()
    const pooler = await startPgBouncer({ program, urls: [database.appUrl, database.adminUrl] })
    const { pid } = pooler
    const roles = [await logsIn(pooler.url(database.appUrl)), await logsIn(pooler.url(database.adminUrl))]
    expect(roles).toEqual(['test_app', new URL(database.adminUrl).username])
    expect(await pooler.console('SHOW VERSION')).toEqual([{ version: `PgBouncer ${program.version}` }])
    await pooler[Symbol.asyncDispose]()
    expect({ alive: isAlive(pid), folder: existsSync(`/proc/${pid}`) }).toEqual({
      alive: false,
      folder: false,
    })
  },
)

test.each(programs)(
  'PgBouncer $version can be killed, restarted, frozen, and told other settings',
  async (program) => {
    const database = await withDatabase()
    await using pooler = await startPgBouncer({
      program,
      urls: [database.appUrl],
      settings: { max_client_conn: '7' },
    })
    const url = pooler.url(database.appUrl)
    const setting = async () =>
      (await pooler.console('SHOW CONFIG')).find(({ key }) => key === 'max_client_conn')?.value
    expect(await setting()).toBe('7')
    await pooler.reload({ max_client_conn: '8' })
    await eventually(async () => (await setting()) === '8')

    const { pid } = pooler
    await pooler.kill()
    expect(await logsIn(url).catch((error: { code?: string }) => error.code)).toBe('ECONNREFUSED')
    await pooler.restart()
    expect(pooler.pid).not.toBe(pid)
    expect(await logsIn(url)).toBe('test_app')

    pooler.freeze()
    const muted = logsIn(url, 500)
    expect(await muted.catch((error: { code?: string }) => error.code)).toBe('CONNECT_TIMEOUT')
    pooler.thaw()
    expect(await logsIn(url)).toBe('test_app')
  },
)

test.skipIf(programs.length === 0)(
  'a PgBouncer whose run was killed is killed when another one ends',
  async () => {
    await testPostgres()
    await using run = Bun.spawn([process.execPath, join(import.meta.dir, 'support/pooler-process.ts')], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const { value } = await run.stdout.getReader().read()
    const pid = Number(new TextDecoder().decode(value))
    run.kill('SIGKILL')
    await run.exited
    const before = isAlive(pid)
    await sweepTestServers(testDataRoot())
    await eventually(() => !isAlive(pid))
    expect(before).toBe(true)
  },
  60_000,
)
