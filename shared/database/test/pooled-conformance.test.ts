import { afterAll, describe, expect, test } from 'bun:test'
import {
  type PgBouncer,
  type PgBouncerProgram,
  pgBouncerPrograms,
  startPgBouncer,
  type TestDatabase,
  withDatabase,
} from '@shared/postgres/testing'
import { lendPool } from './conformance/layer.ts'
import { compareSides, type Exception, topics } from './conformance/run-cases.ts'
import { lendStock, openSide, type Side } from './conformance/sides.ts'

const programs = pgBouncerPrograms()

/** No two transactions in a row reach the same connection of the server's: nothing of a session lasts by luck. */
const transactionMode = {
  pool_mode: 'transaction',
  server_round_robin: '1',
  min_pool_size: '8',
  default_pool_size: '8',
}

interface Setup {
  readonly name: string
  readonly program: PgBouncerProgram
  readonly settings: Readonly<Record<string, string>>
}

const setups: readonly Setup[] = programs.flatMap((program) => [
  { name: nameOf(program, 'transaction'), program, settings: transactionMode },
  { name: nameOf(program, 'session'), program, settings: { pool_mode: 'session' } },
])

/** What a pooler changes after all, and why. */
const exceptions: readonly Exception[] = [
  ...setups.map(({ name }) => ({
    case: 'settings of the session are there in every statement, and after RESET',
    side: name,
    reason:
      "Inside a transaction RESET brings back what the pooler's own login has set. Afterwards the layer restores what was asked for.",
  })),
  ...programs
    .filter(({ tracks }) => tracks)
    .map((program) => ({
      case: 'a function that changes its result type changes the same query',
      side: nameOf(program, 'transaction'),
      reason:
        'Until the layer looks at the catalog again, a plan that the pooler has made anew keeps the parameter types of the first ' +
        'one in the hidden `statement` of its result. Rows and columns are those of the new function.',
    })),
]

function nameOf({ version, tracks }: PgBouncerProgram, mode: 'transaction' | 'session'): string {
  return `PgBouncer ${version}, ${mode} mode${tracks && mode === 'transaction' ? ', tracking' : ''}`
}

const poolers: PgBouncer[] = []
const databases: TestDatabase[] = []

async function openPooled({ name, program, settings }: Setup): Promise<Side> {
  const database = await withDatabase()
  databases.push(database)
  const pooler = await startPgBouncer({ program, urls: [database.ownerUrl], settings })
  poolers.push(pooler)
  return openSide({ name, url: database.ownerUrl, open: (url, config) => lendPool(pooler.url(url), config) })
}

async function openSides(): Promise<Side[]> {
  const database = await withDatabase()
  databases.push(database)
  const stock = openSide({ name: 'stock', url: database.ownerUrl, open: lendStock })
  return Promise.all([stock, ...setups.map(openPooled)])
}

describe.skipIf(programs.length === 0)(
  'Drizzle over the layer behind a pooler is like Drizzle over postgres.js:',
  () => {
    compareSides(openSides, exceptions)
  },
)

afterAll(async () => {
  await Promise.all(poolers.map((pooler) => pooler[Symbol.asyncDispose]()))
  await Promise.all(databases.map((database) => database.drop()))
})

test('every exception names a case and a side that there are, and says why', () => {
  const cases = Object.values(topics).flatMap((topic) => topic.map(({ name }) => name))
  const sides = setups.map(({ name }) => name)
  const wrong = exceptions.filter(
    (exception) =>
      !cases.includes(exception.case) || !sides.includes(exception.side) || exception.reason === '',
  )
  expect(wrong).toEqual([])
})
