import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { createMonitor } from '@shared/monitor'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { createServiceApp } from '../../src/index.ts'
import { isLeak, secrets } from './canary.ts'

const routes = ['/health/detailed', '/health/monitor', '/metrics']

/** Secrets in every place of a statement where data can be. */
function statementsWith(secret: string): string[] {
  const quoted = secret.replaceAll("'", "''")
  const escaped = secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return [
    `select pg_sleep(600), '${quoted}'`,
    `select pg_sleep(600), E'${escaped}'`,
    `select pg_sleep(600), $tag$${secret}$tag$`,
    `select pg_sleep(600) /* ${secret} /* nested */ */`,
    `select pg_sleep(600) -- ${secret}`,
    // Cut off by the server in the middle of the text.
    `select pg_sleep(600), '${'x'.repeat(990)}${quoted.repeat(5)}'`,
  ]
}

test('running statements show no secret in their texts, and show what they are', async () => {
  await using postgres = await withDatabase()
  const pool = { poolSize: 20, sharedDepth: 1 }
  const database = createDatabase({ name: 'canary', url: postgres.appUrl, pool })
  const monitor = createMonitor(database)
  const health = { details: 'always' } as const
  const app = createServiceApp({ service: 'canary', version: '1', database, monitor, health })
  const texts = Object.values(secrets).flatMap(statementsWith)
  const running = Promise.allSettled(texts.map((text) => Promise.resolve(database.db.execute(text))))
  const shown = () => monitor.health.details().then((report) => report?.statements ?? [])
  await eventually(async () => (await shown()).length === texts.length)
  // Old enough for the advice to name it.
  await eventually(async () => ((await shown())[0]?.ageMs ?? 0) > 5_000)
  monitor.start()
  await eventually(() => monitor.advice().some(({ code }) => code === 'slow-statement'))
  const received = await Promise.all(routes.map(async (path) => (await app.request(path)).text()))
  expect(received.map((text) => isLeak(text))).toEqual([false, false, false])
  expect(received[0]?.match(/select pg_sleep\(\?\)/g)).toHaveLength(texts.length)
  expect(received[1]).toContain('select pg_sleep(?)')
  monitor.stop()
  await database.close({ timeoutMs: 0 })
  await running
}, 180_000)
