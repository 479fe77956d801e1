import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { stopTestPostgres, testPostgres } from '@shared/postgres/testing'
import postgres from 'postgres'

/** What Vitest reports of a file of tests. */
interface FileReport {
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
}

interface Version {
  /** The drizzle-orm of this package that the tests run on. */
  readonly module: string
  /** What resolves `drizzle-orm` to it, where that is another one. */
  readonly tsconfig?: string
  /** The tests that are about Drizzle over postgres.js, and need nothing of drizzle-kit's sources. */
  readonly suites: readonly string[]
}

const before1: Version = {
  module: 'drizzle-orm',
  suites: ['tests/pg/postgres-js.test.ts', 'tests/relational/pg.postgresjs.test.ts'],
}
const drizzle1: Version = {
  module: 'drizzle-orm-1',
  tsconfig: join(import.meta.dir, '../../tsconfig.drizzle-1.json'),
  suites: ['tests/pg/pg.postgresjs.test.ts'],
}

/** What comes out otherwise over the layer, and why it has to. */
const differences = new Map([
  [
    'test mode string for timestamp with timezone in different timezone',
    'sets the time zone of the session by a statement of its own: on a pool that is reset behind it',
  ],
])

type Side = 'stock' | 'layer'
type Results = ReadonlyMap<string, string>

/** Runs the tests over one side, in a database of its own. */
async function runOver(
  side: Side,
  version: Version,
  folder: string,
  adminUrl: string,
  scratch: string,
): Promise<Results> {
  const name = `drizzle_suite_${side}`
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await admin.unsafe(`drop database if exists ${name} with (force)`)
  await admin.unsafe(`create database ${name}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const report = join(scratch, `${side}.json`)
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs')
  const config = join(import.meta.dir, 'vitest.config.ts')
  const flags = ['run', '--root', folder, '--config', config, '--reporter=json', `--outputFile=${report}`]
  const child = Bun.spawn([process.execPath, '--bun', vitest, ...flags, ...version.suites], {
    cwd: folder,
    env: {
      ...process.env,
      PG_CONNECTION_STRING: url.href,
      DRIZZLE_OVER: side,
      DRIZZLE_TESTS: join(folder, 'tests'),
      DRIZZLE_ORM: dirname(Bun.resolveSync(version.module, import.meta.dir)),
      ...(version.tsconfig && { DRIZZLE_TSCONFIG: version.tsconfig }),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await child.exited
  await admin.unsafe(`drop database ${name} with (force)`)
  await admin.end()
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: readonly FileReport[] }
  const results = new Map<string, string>()
  for (const { fullName, status } of testResults.flatMap(({ assertionResults }) => assertionResults))
    results.set(results.has(fullName) ? `${fullName} (again)` : fullName, status)
  return results
}

const given = process.argv.slice(2)
const version = given.includes('--drizzle-1') ? drizzle1 : before1
const [checkout] = given.filter((argument) => !argument.startsWith('--'))
if (checkout === undefined) {
  console.error(
    'Usage: bun shared/database/test/drizzle-suite/run.ts [--drizzle-1] <integration-tests of a checkout of drizzle-orm>',
  )
  process.exit(2)
}
const folder = resolve(checkout)
const scratch = mkdtempSync(join(tmpdir(), 'drizzle-suite-'))
const { adminUrl } = await testPostgres()
const stock = await runOver('stock', version, folder, adminUrl, scratch)
const layer = await runOver('layer', version, folder, adminUrl, scratch)
rmSync(scratch, { recursive: true })
await stopTestPostgres()

const passed = (results: Results) => [...results.values()].filter((status) => status === 'passed').length
console.log(`stock: ${passed(stock)} of ${stock.size} pass`)
console.log(`layer: ${passed(layer)} of ${layer.size} pass`)
const differing = [...stock].filter(([name, status]) => layer.get(name) !== status).map(([name]) => name)
const unexpected = differing.filter((name) => !differences.has(name))
for (const name of differing) console.log(`${name}: ${differences.get(name) ?? 'not known why'}`)
process.exit(stock.size > 0 && unexpected.length === 0 ? 0 : 1)
