import { afterAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { lendLease, lendPool } from './layer.ts'
import { compareSides, topics } from './run-cases.ts'
import { lendStock, openSide, type Side } from './sides.ts'

const databases: TestDatabase[] = []

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
      open: (url, config) => lendPool(url, config, { prepare: false }),
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
