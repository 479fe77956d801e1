import { describe, expect, test } from 'bun:test'
import { definition, errorOf } from '../test/environments.ts'
import { createMigrationEnv } from './migration-env.ts'

const read = (environment: Record<string, string | undefined>) =>
  createMigrationEnv({ ...definition, environment })
const migrator = { MIGRATION_USER: 'auth_migrator', MIGRATION_PASSWORD: 'm@' }

describe('createMigrationEnv', () => {
  test('takes the place from DATABASE_* and the login from MIGRATION_*', () => {
    const env = read({
      DATABASE_URL: 'postgresql://auth_app:pw@[::1]:6543/auth_db?sslmode=disable',
      ...migrator,
    })
    expect({ ...env, url: env.url.reveal(), MIGRATION_PASSWORD: env.MIGRATION_PASSWORD.reveal() }).toEqual({
      url: 'postgresql://auth_migrator:m%40@[::1]:6543/auth_db?sslmode=disable',
      MIGRATION_USER: 'auth_migrator',
      MIGRATION_PASSWORD: 'm@',
      DATABASE_HOST: '::1',
      DATABASE_PORT: 6543,
      DATABASE_NAME: 'auth_db',
      DATABASE_SSL_MODE: 'disable',
      DATABASE_SSL_ROOT_CERT: undefined,
      DATABASE_CONNECT_TIMEOUT: 10,
    })
  })

  test('does not need the runtime role', () => {
    const env = read({ DATABASE_HOST: 'db', DATABASE_NAME: 'auth_db', ...migrator })
    expect(env.url.reveal()).toBe('postgresql://auth_migrator:m%40@db:5432/auth_db?sslmode=prefer')
  })

  test('reports all that is missing or unknown at once', () => {
    const error = errorOf(() =>
      read({ MIGRATION_PASWORD: 'canary', DATABASE_POOLSIZE: '3', MIGRATION_USER: 'm' }),
    )
    expect(error.issues).toEqual([
      { variable: 'DATABASE_URL', message: 'is required, or in its place DATABASE_HOST, DATABASE_NAME' },
      { variable: 'MIGRATION_PASSWORD', message: 'is required' },
      { variable: 'MIGRATION_PASWORD', message: 'is not known: did you mean MIGRATION_PASSWORD?' },
      { variable: 'DATABASE_POOLSIZE', message: 'is not known: did you mean DATABASE_POOL_SIZE?' },
    ])
    expect(error.report).not.toContain('canary')
  })

  test('is pinned to the same database', () => {
    const error = errorOf(() => read({ DATABASE_HOST: 'db', DATABASE_NAME: 'cart_db', ...migrator }))
    expect(error.issues.map((issue) => issue.variable)).toEqual(['DATABASE_NAME'])
  })

  test('leaves the pool to the running service', () => {
    expect(
      read({ DATABASE_HOST: 'db', DATABASE_NAME: 'auth_db', DATABASE_POOL_SIZE: '5', ...migrator })
        .DATABASE_HOST,
    ).toBe('db')
  })
})
