import { afterAll, describe, expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import type { ConnectionOptions } from '../../src/index.ts'
import type { Handle } from './case.ts'
import { compareSides, topics } from './run-cases.ts'
import { connections, type Lender, lendStock, openSide, type Side } from './sides.ts'
import { variant } from './variant.ts'

const databases: TestDatabase[] = []

function open(url: string, connection: Partial<ConnectionOptions> = {}) {
  return createDatabase({
    name: 'conformance',
    url,
    ...variant.model,
    pool: { poolSize: connections, maxOverflow: 0, checkoutTimeoutMs: 5_000 },
    // Stock learns a type made meanwhile at its next connect, so the layer may not either.
    connection: { definitionsCheckMs: 600_000, ...connection },
  })
}

function lendPool(url: string, connection?: Partial<ConnectionOptions>): Lender {
  const database = open(url, connection)
  return {
    lend: (use) => use(database.db as unknown as Handle),
    close: () => database.close({ timeoutMs: 1_000 }),
  }
}

/** All work of a case on one connection of `use()`. */
function lendLease(url: string): Lender {
  const database = open(url)
  return {
    lend: (use) => database.use(({ db }) => use(db as unknown as Handle)),
    close: () => database.close({ timeoutMs: 1_000 }),
  }
}

async function openSides(): Promise<Side[]> {
  const prepareSide = async (side: Omit<Parameters<typeof openSide>[0], 'url'>) => {
    const database = await withDatabase()
    databases.push(database)
    return openSide({ ...side, url: database.ownerUrl })
  }
  return Promise.all([
    prepareSide({ name: 'stock', open: lendStock }),
    prepareSide({ name: 'pool', open: lendPool }),
    prepareSide({
      name: 'pool without prepared statements',
      open: (url) => lendPool(url, { prepare: false }),
    }),
    prepareSide({ name: 'one leased connection', open: lendLease, singleConnection: true }),
  ])
}

describe('Drizzle over the layer is like Drizzle over postgres.js:', () => {
  compareSides(openSides)
})

afterAll(() => Promise.all(databases.map((database) => database.drop())))

test('the suite compares at least 350 cases under different names', () => {
  const names = Object.values(topics).flatMap((cases) => cases.map((each) => each.name))
  expect(names.length).toBeGreaterThanOrEqual(350)
  expect(new Set(names).size).toBe(names.length)
})
