import { expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated, startService } from '../src/testing/index.ts'

const entry = `${import.meta.dir}/../../../services/auth/src/index.ts`
const patience = { timeoutMs: 30_000, intervalMs: 50 }

/** What a service warns of at its start, and what its monitor advises then on the budget. */
async function warningsOf(env: Record<string, string>) {
  await using postgres = await withDatabase({
    service: 'warned',
    connectionLimit: 31,
    template: migrated(`${import.meta.dir}/../../../drizzle/auth/migrations`),
  })
  const DATABASE_URL = postgres.appUrl
  await using service = startService({
    entry,
    env: {
      DATABASE_URL,
      DATABASE_NAME_CHECK: 'false',
      HEALTH_DETAILS: 'always',
      SHUTDOWN_DELAY: '0',
      ...env,
    },
  })
  const url = await service.url()
  const readMonitor = async () =>
    (await (await fetch(`${url}/health/monitor`)).json()) as {
      ready: boolean
      advice: { code: string; text: string }[]
    }
  await eventually(async () => (await readMonitor()).ready, patience)
  // The monitor has its report, and the start, whose question came before this one, had its answer.
  await eventually(
    async () => (await (await fetch(`${url}/metrics`)).text()).includes('db_server_connections_max{'),
    patience,
  )
  await fetch(`${url}/health/detailed`)
  const { advice } = await readMonitor()
  service.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  const lines = service.output().trim().split('\n')
  const warnings = lines
    .map((line) => JSON.parse(line) as { level: string; msg: string; wantedConnections?: number })
    // Whether the role is confined depends on what else the server holds now, and has tests of its own; what the pool tells of a
    // machine that is slow is no warning of the start.
    .filter(({ level, msg }) => level === 'warn' && !/confined|^database: /.test(msg))
    .map(({ msg, wantedConnections }) => ({ msg, wantedConnections }))
  return { warnings, advice: advice.filter(({ code }) => code === 'budget').map(({ text }) => text) }
}

test('a service whose replicas do not fit warns at the start, and its monitor advises the same', async () => {
  const text =
    'The pools of 2 replicas and health probes may open 62 connections, but the role’s CONNECTION LIMIT is 31: lower DATABASE_POOL_SIZE or DATABASE_MAX_OVERFLOW, or raise the limit.'
  expect(await warningsOf({ DATABASE_REPLICAS: '2' })).toEqual({
    warnings: [{ msg: text, wantedConnections: 62 }],
    advice: [text],
  })
}, 60_000)

test('one that fits warns of nothing', async () => {
  expect(await warningsOf({})).toEqual({ warnings: [], advice: [] })
}, 60_000)

test('bounds that do not fit together are named at the start', async () => {
  const { warnings } = await warningsOf({ REQUEST_TIMEOUT: '20' })
  expect(warnings.map(({ msg }) => msg)).toEqual([
    'DATABASE_POOL_TIMEOUT (30 s) is not below REQUEST_TIMEOUT (20 s): a request that gets its connection late has no time left to use it. Lower the first or raise the second.',
  ])
}, 60_000)
