import { expect, test } from 'bun:test'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { createLifecycle } from '../context/lifecycle.ts'
import { silentLogger } from '../log/logger.ts'
import { shutDown } from './shutdown.ts'

test('a process that was held up looks for requests in several turns before it closes its port', async () => {
  const { database, monitor } = createFakeDatabase()
  let looks = 0
  let looksBefore = 0
  const server = {
    get pendingRequests() {
      looks += 1
      if (looks === 1) Bun.sleepSync(300)
      return 0
    },
    async stop() {
      looksBefore ||= looks
    },
  }
  const stopped = await shutDown({
    server,
    database,
    monitor,
    telemetry: { stop: async () => undefined },
    lifecycle: createLifecycle('ready'),
    logger: silentLogger(),
    timeoutMs: 5_000,
    drainDelayMs: 0,
  })
  expect(stopped).toBe(true)
  expect(looksBefore).toBeGreaterThan(8)
})
