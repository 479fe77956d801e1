import { expect, test } from 'bun:test'
import { findServices } from '../workspace/services.ts'
import { rolesOf } from './provisioning.ts'

const [service] = await findServices(['auth'])
const given = {
  DATABASE_URL: 'postgres://auth_app:app@127.0.0.1/auth_db',
  MIGRATION_USER: 'auth_migrator',
  MIGRATION_PASSWORD: 'migrator',
}
const limitOf = (more: Record<string, string>, connectionLimit?: number): number => {
  if (service === undefined) throw new Error('there is no service auth')
  const environment = { ...given, ...more }
  return rolesOf({ service, environment, external: true }, connectionLimit).app.connectionLimit
}

test('the runtime role may have twice what all replicas open, health probes included, unless a number is given', () => {
  const pool = { DATABASE_POOL_SIZE: '10', DATABASE_MAX_OVERFLOW: '5' }
  expect({
    one: limitOf(pool),
    three: limitOf({ ...pool, DATABASE_REPLICAS: '3' }),
    unlimited: limitOf({ ...pool, DATABASE_MAX_OVERFLOW: '-1', DATABASE_REPLICAS: '3' }),
    given: limitOf(pool, 7),
  }).toEqual({ one: 32, three: 96, unlimited: 100, given: 7 })
})
