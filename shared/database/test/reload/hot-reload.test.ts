import { describe, expect, test } from 'bun:test'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, createDatabase } from '../../src/index.ts'
import { bunHot, startHotProgram, viteRunner } from './hot-program.ts'

const saves = 6

describe('a module that is run again leaves one pool for each of its databases, and breaks no request under way', () => {
  test.each([
    ['bun --hot', bunHot],
    ['Vite', viteRunner],
  ])(
    'by %s',
    async (_name, runner) => {
      await using postgres = await withDatabase()
      await using observer = openObserver(postgres)
      await using program = await startHotProgram(runner, postgres)
      const slow: Promise<string>[] = []
      for (let version = 1; version <= saves; version++) {
        slow.push(program.ask('/slow'))
        // Vite's watcher overlooks a save that comes too soon after another.
        const saved = async () => {
          program.save(version)
          return (await program.ask('/version')) === String(version)
        }
        await eventually(saved, { intervalMs: 200, timeoutMs: 30_000 })
      }
      const answers = (await Promise.all(slow)).map(Number)
      // Each by a version that there was: as a rule the one before the save.
      const areAnswered = answers.every((answer) => answer >= 0 && answer <= saves)
      expect({ answers, areAnswered, output: program.output() }).toEqual({
        answers,
        areAnswered: true,
        output: '',
      })
      const backends = async () =>
        expect(await observer.backends()).toEqual({ pool: 2, beside: 2, listening: 1 })
      await eventually(backends)
      program.kill()
      const none = async () => expect(await observer.backends()).toEqual({ pool: 0, beside: 0, listening: 0 })
      await eventually(none)
    },
    180_000,
  )
})

test('what is no import.meta is refused', () => {
  const url = 'postgres://shop@127.0.0.1:1/shop'
  for (const hot of [true, './module.ts', {}]) {
    expect(() => createDatabase({ name: 'hot', url, hot: hot as never })).toThrow(ConfigurationError)
  }
  // As import.meta.hot is.
  expect(() => createDatabase({ name: 'hot', url, hot: { data: {} } as never })).toThrow(
    'Option hot must be import.meta of the module that makes the database, got Object.',
  )
})

/** Counts what the server has open for the program: connections of pools, and those beside them. */
function openObserver(postgres: TestDatabase) {
  const database = createDatabase({ name: 'observer', url: postgres.adminUrl, pool: { poolSize: 1 } })
  return {
    async backends() {
      await database.notify('news')
      const [row] = await database.db.execute(
        sql`select count(*) filter (where application_name = 'hot')::int as pool,
                   count(*) filter (where application_name = 'hot health')::int as beside,
                   count(*) filter (where application_name = 'hot listen')::int as listening
            from pg_stat_activity where datname = current_database()`,
      )
      return row
    },
    /** The backends of the program's pools. */
    async pids() {
      const rows = await database.db.execute<{ pid: number }>(
        sql`select pid from pg_stat_activity where application_name = 'hot' and datname = current_database()`,
      )
      return rows.map(({ pid }) => pid)
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}

test('bun test --watch begins anew: a database that a test file leaves open is gone with the next save', async () => {
  await using postgres = await withDatabase()
  await using observer = openObserver(postgres)
  const folder = mkdtempSync(join(tmpdir(), 'watch-'))
  const file = join(folder, 'watched.test.ts')
  const source = join(import.meta.dir, '../../src/index.ts')
  writeFileSync(
    file,
    `import { test } from 'bun:test'
    import { createDatabase } from ${JSON.stringify(source)}
    const database = createDatabase({ name: 'hot', url: process.env.URL })
    test('asks', () => database.ping({ timeoutMs: 60_000 }), 60_000)\n`,
  )
  const child = Bun.spawn([process.execPath, 'test', '--watch', './watched.test.ts'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', URL: postgres.appUrl },
    stdout: 'ignore',
    stderr: 'ignore',
  })
  const seen = new Set<number>()
  try {
    while (seen.size < 3) {
      await eventually(async () => {
        const [pid, ...others] = await observer.pids()
        if (pid === undefined || others.length > 0 || seen.has(pid)) return false
        seen.add(pid)
      })
      appendFileSync(file, '\n')
    }
  } finally {
    child.kill('SIGKILL')
    await child.exited
    rmSync(folder, { recursive: true, force: true })
  }
}, 180_000)
