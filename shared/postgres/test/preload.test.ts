import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgres } from '../src/server/find-postgres.ts'
import { startPostgres } from '../src/server/local-postgres.ts'
import { holdTestServers } from '../src/testing/index.ts'

const preload = join(import.meta.dir, 'preload.ts')

describe('the test preload', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'preload-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs one test file in a `bun test` of its own. */
  function run(body: string): { exitCode: number; output: string } {
    writeFileSync(join(folder, 'one.test.ts'), `import { test } from 'bun:test'\n${body}\n`)
    const child = Bun.spawnSync([process.execPath, 'test', '--preload', preload, './one.test.ts'], {
      cwd: folder,
    })
    return { exitCode: child.exitCode, output: child.stdout.toString() + child.stderr.toString() }
  }

  test('lets a clean run pass', () => {
    expect(run(`test('fine', () => {})`)).toMatchObject({ exitCode: 0 })
  })

  test('leaves a run red that has an unhandled rejection', () => {
    const result = run(`test('late', async () => { Promise.reject(new Error('lost')); await Bun.sleep(20) })`)
    expect(result.exitCode).not.toBe(0)
    expect(result.output).toContain('lost')
  })

  test('makes a run red whose uncaught error no test saw', () => {
    const result = run(`test('fine', () => { process.emit('uncaughtException', new Error('lost')) })`)
    expect(result.exitCode).not.toBe(0)
    expect(result.output).toContain('1 uncaught error(s) or unhandled rejection(s) during the run')
  })

  test('ends the use of the shared server when a test fails and leaves its database', () => {
    const result = run(`
      import { withDatabase } from '${join(import.meta.dir, '../src/testing/index.ts')}'
      test('leaves one', async () => { console.log('name', (await withDatabase()).name); throw new Error('failed') }, 120_000)`)
    expect(result.output).toContain('name test_')
    expect(result.output).toContain('failed')
    expect(result.exitCode).toBe(1)
  }, 120_000)
})

test('servers that are held stay for the processes that use them, and end when they are released', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'held-'))
  const roots = [join(folder, 'one'), join(folder, 'two')]
  const ports = () =>
    Promise.all(roots.map(async (dataRoot) => (await findPostgres({ dataRoot }))?.port ?? null))
  const release = await holdTestServers(roots)
  const held = await ports()
  for (const dataRoot of roots) await (await startPostgres({ dataRoot, port: 0 })).release()
  const used = await ports()
  await release()
  const released = await ports()
  rmSync(folder, { recursive: true, force: true })
  expect({ distinct: new Set(held).size, areNumbers: held.every(Number), used, released }).toEqual({
    distinct: 2,
    areNumbers: true,
    used: held,
    released: [null, null],
  })
}, 120_000)
