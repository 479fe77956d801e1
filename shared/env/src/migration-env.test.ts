import { describe, expect, test } from 'bun:test'
import { definition, errorOf } from '../test/environments.ts'
import { databaseOptions } from './database-options.ts'
import { createMigrationEnv } from './migration-env.ts'
import { createServiceEnv } from './service-env.ts'

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
      DATABASE_PORT: '6543',
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

  test('takes along how the server is reached, and what the URL says beside it', () => {
    const env = read({
      DATABASE_URL: 'postgresql://auth_app:pw@a,b/auth_db?sslmode=verify-full&search_path=s',
      DATABASE_SSL_ROOT_CERT: import.meta.path,
      DATABASE_CONNECT_TIMEOUT: '3',
      ...migrator,
    })
    const sslrootcert = encodeURIComponent(import.meta.path)
    expect(env.url.reveal()).toBe(
      `postgresql://auth_migrator:m%40@a:5432,b:5432/auth_db?sslmode=verify-full&search_path=s&sslrootcert=${sslrootcert}&connect_timeout=3`,
    )
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

describe('DATABASE_DIRECT_URL', () => {
  const pooled = {
    DATABASE_URL: 'postgresql://auth_app:pw@pooler:6432/auth_db?sslmode=require',
    ...migrator,
  }
  const urlOf = (environment: Record<string, string>) => read({ ...pooled, ...environment }).url.reveal()
  const issuesOf = (environment: Record<string, string>) => {
    const error = errorOf(() => read({ ...pooled, ...environment }))
    expect(error.report).not.toContain('canary')
    return error.issues
  }

  test('is where to migrate in place of the address of the service', () => {
    expect([
      urlOf({ DATABASE_DIRECT_URL: 'postgresql://server:5433/auth_db?sslmode=disable' }),
      urlOf({ DATABASE_DIRECT_URL: 'postgres://[::1]' }),
    ]).toEqual([
      'postgresql://auth_migrator:m%40@server:5433/auth_db?sslmode=disable',
      'postgresql://auth_migrator:m%40@[::1]:5432/auth_db?sslmode=require',
    ])
  })

  test('is enough by itself', () => {
    const environment = { DATABASE_DIRECT_URL: 'postgresql://server/auth_db', ...migrator }
    expect(read(environment).url.reveal()).toBe(
      'postgresql://auth_migrator:m%40@server:5432/auth_db?sslmode=prefer',
    )
  })

  test('can be a file', () => {
    expect(issuesOf({ DATABASE_DIRECT_URL_FILE: '/nowhere' })).toEqual([
      {
        variable: 'DATABASE_DIRECT_URL',
        message: 'DATABASE_DIRECT_URL_FILE names /nowhere, which does not exist',
      },
    ])
  })

  test('is pinned to the same database, if that is pinned', () => {
    const other = { DATABASE_DIRECT_URL: 'postgresql://server/cart_db' }
    expect(issuesOf(other)).toEqual([
      {
        variable: 'DATABASE_DIRECT_URL',
        message: 'auth owns auth_db, DATABASE_DIRECT_URL names cart_db (DATABASE_NAME_CHECK=false allows it)',
      },
    ])
    expect(urlOf({ ...other, DATABASE_NAME_CHECK: 'false' })).toBe(
      'postgresql://auth_migrator:m%40@server:5432/cart_db?sslmode=require',
    )
  })

  test('may repeat the login of the migrator, and must not name another', () => {
    expect(urlOf({ DATABASE_DIRECT_URL: 'postgresql://auth_migrator:m%40@server/auth_db' })).toContain(
      '@server:',
    )
    expect(issuesOf({ DATABASE_DIRECT_URL: 'postgresql://auth_app:canary@server/auth_db' })).toEqual([
      {
        variable: 'DATABASE_DIRECT_URL',
        message:
          'and MIGRATION_USER name a different user: make them agree or drop it from the URL; ' +
          'and MIGRATION_PASSWORD name a different password: make them agree or drop it from the URL',
      },
    ])
  })

  test.each([
    ['mysql://u:canary@server/auth_db', 'must begin with postgresql:// (or postgres://)'],
    ['postgresql://server/auth_db?replication=canary', expect.stringContaining('replication')],
    ['postgresql:///auth_db', 'names no host: add that of the server itself'],
  ])('is read as strictly as DATABASE_URL: %s', (url, message) => {
    expect(issuesOf({ DATABASE_DIRECT_URL: url })).toEqual([{ variable: 'DATABASE_DIRECT_URL', message }])
  })

  test('has the certificate authority judged by its own SSL mode', () => {
    const environment = { ...pooled, DATABASE_SSL_ROOT_CERT: import.meta.path }
    const verified = read({ ...environment, DATABASE_DIRECT_URL: 'postgresql://server?sslmode=verify-full' })
    expect(verified.DATABASE_SSL_ROOT_CERT).toBe(import.meta.path)
    const error = errorOf(() =>
      read({ ...environment, DATABASE_DIRECT_URL: 'postgresql://server?sslmode=disable' }),
    )
    expect(error.issues.map(({ variable }) => variable)).toEqual(['DATABASE_SSL_ROOT_CERT'])
  })

  test('is where the running service listens, always with its own login', () => {
    const direct = (environment: Record<string, string>) =>
      databaseOptions(createServiceEnv({ ...definition, environment: { ...pooled, ...environment } }))
        .directUrl
    expect({
      unset: direct({}),
      'host alone': direct({ DATABASE_DIRECT_URL: 'postgresql://server' }),
      'login of the migrator': direct({
        DATABASE_DIRECT_URL: 'postgresql://auth_migrator:m%40@server:5433/auth_db?sslmode=disable',
      }),
    }).toEqual({
      unset: undefined,
      'host alone': 'postgresql://auth_app:pw@server:5432/auth_db?sslmode=require',
      'login of the migrator': 'postgresql://auth_app:pw@server:5433/auth_db?sslmode=disable',
    })
  })

  test('is checked by the running service too', () => {
    const environment = { ...pooled, DATABASE_DIRECT_URL: 'postgresql://server/cart_db' }
    const { issues } = errorOf(() => createServiceEnv({ ...definition, environment }))
    expect(issues.map(({ variable }) => variable)).toEqual(['DATABASE_DIRECT_URL'])
  })
})
