import { afterAll } from 'bun:test'
import { stopTestPostgres } from '../src/testing/test-postgres.ts'
import { watchUncaughtErrors } from '../src/testing/uncaught.ts'

const uncaught = watchUncaughtErrors()

// Exit hooks do not run under `bun test`; an afterAll of the preload does, once, also when tests fail.
afterAll(async () => {
  await stopTestPostgres()
  uncaught.assertNone()
}, 60_000)
