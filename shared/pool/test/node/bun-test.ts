import { mock, after as nodeAfter, describe as nodeDescribe, test as nodeTest } from 'node:test'
import { format } from 'node:util'
import { expect } from 'expect'

export { afterEach, before as beforeAll } from 'node:test'
export { expect }

type Run = () => unknown
type Limit = number | { readonly timeout?: number } | undefined

let defaultTimeoutMs = 60_000

/** As in `bun:test`. */
export function setDefaultTimeout(timeoutMs: number): void {
  defaultTimeoutMs = timeoutMs
}

/** As in `bun:test`: the clock on the wall, and nothing else. */
export function setSystemTime(now?: Date | number): void {
  mock.timers.reset()
  if (now !== undefined) mock.timers.enable({ apis: ['Date'], now })
}

function limitOf(limit: Limit): number {
  return (typeof limit === 'number' ? limit : limit?.timeout) ?? defaultTimeoutMs
}

// Names of tests that need Bun itself.
const skipped: readonly string[] = JSON.parse(process.env.TESTS_NOT_ON_NODE ?? '[]')

function runTest(name: string, run: Run, limit?: Limit): void {
  void nodeTest(name, { timeout: limitOf(limit), skip: skipped.includes(name) }, async () => {
    await run()
  })
}

let suites = 0

function runSuite(name: string, run: () => void): void {
  void nodeDescribe(name, () => {
    suites++
    run()
    suites--
  })
}

const lastly: Run[] = []

/** As in `bun:test`, where what a preload ends is there until the hooks of the tests are over. */
export function afterAll(run: Run, limit?: Limit): void {
  if (suites > 0) nodeAfter(async () => void (await run()), { timeout: limitOf(limit) })
  else if (lastly.push(run) === 1)
    nodeAfter(async () => {
      for (const hook of lastly.reverse()) await hook()
    })
}

/** A row of a table as arguments, and the name that it gives. */
function named(name: string, row: unknown): { title: string; values: unknown[] } {
  const values = Array.isArray(row) ? row : [row]
  const placeholders = (name.match(/%[a-z]/g) ?? []).length
  return { title: format(name.replaceAll('%p', '%j'), ...values.slice(0, placeholders)), values }
}

type Each = (
  rows: readonly unknown[],
) => (name: string, run: (...values: never[]) => unknown, limit?: Limit) => void

function eachOf(register: (name: string, run: Run, limit?: Limit) => void): Each {
  return (rows) => (name, run, limit) => {
    for (const row of rows) {
      const { title, values } = named(name, row)
      register(title, () => run(...(values as never[])), limit)
    }
  }
}

/** `test` of `bun:test` on Node's own runner. */
export const test = Object.assign(runTest, {
  each: eachOf(runTest),
  skipIf: (isSkipped: boolean) =>
    isSkipped ? (name: string) => void nodeTest(name, { skip: true }) : runTest,
})

/** `describe` of `bun:test` on Node's own runner. */
export const describe = Object.assign(runSuite, {
  each: eachOf(runSuite as never),
  skipIf: (isSkipped: boolean) =>
    isSkipped ? (name: string) => void nodeDescribe(name, { skip: true }) : runSuite,
})

expect.extend({
  toBeOneOf: (received: unknown, choices: readonly unknown[]) => ({
    pass: choices.some((choice) => Object.is(choice, received)),
    message: () => format('expected one of %j, got %j', choices, received),
  }),
  toStartWith: (received: unknown, start: string) => ({
    pass: String(received).startsWith(start),
    message: () => format('expected a text that starts with %j, got %j', start, received),
  }),
})
