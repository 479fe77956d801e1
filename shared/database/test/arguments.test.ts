import { describe, expect, test } from 'bun:test'
import { ConfigurationError, createDatabase, type Database, migrate } from '../src/index.ts'

type Plain = Database<Record<string, never>>

// Nothing listens there: a call that does more than refuse gets another error.
const url = 'postgres://nobody:nothing@127.0.0.1:1/nowhere'

const calls: Record<string, (database: Plain, given: never) => Promise<unknown>> = {
  within: (database, given) => database.within(given, () => Promise.resolve(database.db.execute('select 1'))),
  use: (database, given) => database.use(async () => {}, given),
  transaction: (database, given) => database.transaction((tx) => tx.execute('select 1'), given),
  connect: (database, given) => database.connect(given),
  ping: (database, given) => database.ping(given),
  close: (database, given) => database.close(given),
}

const positive = 'must be a time in ms above 0, or Infinity'
const wrong: Record<string, { given: unknown; words: (call: string) => string }> = {
  'a time of 0': {
    given: { timeoutMs: 0 },
    words: (call) => `Option timeoutMs of ${call}() ${positive}, got 0 (number).`,
  },
  'a negative time': { given: { timeoutMs: -1 }, words: () => 'got -1 (number).' },
  'a time that is no number': { given: { timeoutMs: Number.NaN }, words: () => 'got NaN (number).' },
  'a time in a text': { given: { timeoutMs: '200' }, words: () => 'got "200" (string).' },
  null: { given: { timeoutMs: null }, words: () => 'got null (object).' },
  'a controller for a signal': {
    given: { signal: new AbortController() },
    words: (call) => `Option signal of ${call}() must be an AbortSignal`,
  },
  'a name that is misspelt': {
    given: { timeout: 200 },
    words: (call) => `Unknown option timeout of ${call}(). Known are timeoutMs`,
  },
  'a bare number': { given: 200, words: (call) => `The options of ${call}() must be an object, got 200.` },
}

describe.each(Object.entries(calls))('%s()', (call, run) => {
  // 0 is a time for close(): at once. It knows no signal.
  const own = Object.entries(wrong).filter(
    ([what]) => call !== 'close' || !['a time of 0', 'a controller for a signal'].includes(what),
  )

  test.each(own)('refuses %s before it does anything', async (_what, { given, words }) => {
    const database = createDatabase({ name: 'arguments', url })
    const error = await run(database, given as never).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as Error).message).toContain(words(call))
    expect(database.status()).toMatchObject({ total: 0, counters: { connects: 0, connectFailures: 0 } })
    await database.close({ timeoutMs: 0 })
  })
})

test.each([
  [{ retries: -1 }, 'Option retries of transaction() must be a whole number from 0'],
  [{ isolationLevel: 'chaos' }, 'Option isolationLevel of transaction() must be one of read uncommitted'],
])('transaction() refuses %j', async (given, words) => {
  const database = createDatabase({ name: 'arguments', url })
  const work = database.transaction((tx) => tx.execute('select 1'), given as never)
  expect(((await work.catch((thrown: unknown) => thrown)) as Error).message).toContain(words)
  await database.close()
})

test.each([-1, Number.NaN, '30'])('migrate() refuses a lockTimeoutMs of %p', async (lockTimeoutMs) => {
  const work = migrate({ url, migrationsFolder: '/nowhere', lockTimeoutMs: lockTimeoutMs as number })
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigurationError)
  expect((error as Error).message).toContain(
    'Option lockTimeoutMs of migrate() must be a time in ms from 0, or Infinity',
  )
})
