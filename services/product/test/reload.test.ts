import { expect, test } from 'bun:test'
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated, startService } from '@shared/service/testing'
import { sql } from 'drizzle-orm'

const migrationsFolder = join(import.meta.dir, '../../../drizzle/product/migrations')
const saves = 6
// Of a machine that has much else to do.

test('saves under bun --hot leave one pool and one way to stop, and mistakes do not end the service', async () => {
  await using postgres = await withDatabase({ service: 'product', template: migrated(migrationsFolder) })
  using copy = copyService()
  await using service = startService({
    entry: join(copy.folder, 'src/index.ts'),
    flags: ['--hot', '--no-clear-screen'],
    env: { DATABASE_URL: postgres.appUrl, DATABASE_NAME_CHECK: 'false', PORT: String(freePort()) },
  })
  const app = join(copy.folder, 'src/app.ts')
  const url = await service.url()
  const runs = () => service.output().split('product listens on').length - 1
  const isReady = async () => (await fetch(`${url}/readyz`)).status === 200
  await eventually(isReady)
  for (let run = 2; run <= saves + 1; run++) {
    appendFileSync(app, '\n')
    await eventually(async () => runs() >= run && (await isReady()))
  }
  // What does not compile, or throws, is waited for.
  for (const mistake of ['const = 1', "throw new Error('not yet')"]) {
    const before = readFileSync(app, 'utf8')
    writeFileSync(app, `${before}${mistake}\n`)
    await eventually(() => service.output().includes(mistake))
    expect(await isReady()).toBe(true)
    writeFileSync(app, before)
  }
  await eventually(async () => runs() > saves + 1 && (await isReady()))
  const observer = createDatabase({ name: 'observer', url: postgres.adminUrl, pool: { poolSize: 1 } })
  const backends = () =>
    observer.db.execute(
      sql`select application_name as name, count(*)::int as count from pg_stat_activity
          where application_name like 'product%' and datname = current_database() group by 1 order by 1`,
    )
  const one = [
    { name: 'product', count: 1 },
    { name: 'product health', count: 1 },
  ]
  await eventually(async () => expect([...(await backends())]).toEqual(one))

  service.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  expect(service.output().match(/"msg":"stopping"/g)).toHaveLength(1)
  await eventually(async () => expect([...(await backends())]).toEqual([]))
  await observer.close()
}, 180_000)

/** The service's code in a folder of its own, to be changed. */
function copyService() {
  const own = join(import.meta.dir, '..')
  const folder = mkdtempSync(join(tmpdir(), 'product-'))
  for (const part of ['src', 'package.json']) cpSync(join(own, part), join(folder, part), { recursive: true })
  symlinkSync(join(own, 'node_modules'), join(folder, 'node_modules'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function freePort(): number {
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  return server.port
}
