import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connectionOptions,
  type OptionsOf,
  type OptionTable,
  poolOptions,
  replicaOptions,
} from '@shared/database'
import { definition, parts } from '../test/environments.ts'
import { databaseOptions } from './database-options.ts'
import { createMigrationEnv } from './migration-env.ts'
import { createServiceEnv } from './service-env.ts'

const read = (environment?: Record<string, string>) =>
  databaseOptions(createServiceEnv({ ...definition, environment }))
const defaultsOf = <T extends OptionTable>(table: T): OptionsOf<T> =>
  Object.fromEntries(Object.entries(table).map(([name, option]) => [name, option.default])) as OptionsOf<T>
const before = { ...process.env }

afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
})

describe('databaseOptions', () => {
  test('gives every option, with the defaults in milliseconds', () => {
    expect(read(parts)).toEqual({
      url: 'postgresql://auth_app:pw@db:5432/auth_db?sslmode=prefer',
      directUrl: undefined,
      passwordFile: undefined,
      pool: defaultsOf(poolOptions),
      connection: { ...defaultsOf(connectionOptions), applicationName: 'auth', slowQueryMs: 1_000 },
      replicas: defaultsOf(replicaOptions),
    })
  })

  test('keeps fractions of a second and turns -1 into never', () => {
    const times = {
      DATABASE_POOL_TIMEOUT: '0.5',
      DATABASE_CONNECT_TIMEOUT: '1.001',
      DATABASE_POOL_RECYCLE: '-1',
      DATABASE_IDLE_TIMEOUT: '-1',
    }
    const { pool, connection } = read({ ...parts, ...times })
    expect({ ...pool, ...connection }).toMatchObject({
      checkoutTimeoutMs: 500,
      connectTimeoutMs: 1001,
      recycleMs: Number.POSITIVE_INFINITY,
      idleTimeoutMs: Number.POSITIVE_INFINITY,
    })
  })

  test('hands on the file of the password, to be read again, unless the URL has the password', () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-password-'))
    try {
      const file = join(folder, 'password')
      writeFileSync(file, 'pw\n')
      const { DATABASE_PASSWORD: _, ...others } = parts
      const given = { ...others, DATABASE_PASSWORD_FILE: file }
      const passwordFiles = {
        file: read(given).passwordFile,
        'file, URL without password': read({
          ...given,
          DATABASE_URL: 'postgres://auth_app@db/auth_db',
        }).passwordFile,
        'file and URL': read({ ...given, DATABASE_URL: 'postgres://auth_app:pw@db/auth_db' }).passwordFile,
      }
      expect(passwordFiles).toEqual({
        file,
        'file, URL without password': file,
        'file and URL': undefined,
      })
      expect(read(given).url).toBe('postgresql://auth_app:pw@db:5432/auth_db?sslmode=prefer')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('is not moved by any PG* variable', () => {
    const stray = {
      PGHOST: 'evil',
      PGHOSTADDR: '6.6.6.6',
      PGPORT: '6666',
      PGDATABASE: 'product_db',
      PGUSER: 'postgres',
      PGUSERNAME: 'postgres',
      PGPASSWORD: 'evil',
      PGPASSFILE: '/evil',
      PGSERVICE: 'evil',
      PGSSLMODE: 'disable',
      PGSSL: 'disable',
      PGSSLROOTCERT: '/evil',
      PGMAX: '999',
      PGIDLE_TIMEOUT: '1',
      PGCONNECT_TIMEOUT: '1',
      PGMAX_LIFETIME: '1',
      PGPREPARE: 'false',
      PGAPPNAME: 'evil',
      PGOPTIONS: '-c search_path=evil',
      PGTARGETSESSIONATTRS: 'standby',
    }
    const migrator = { MIGRATION_USER: 'auth_migrator', MIGRATION_PASSWORD: 'm' }
    Object.assign(process.env, parts, migrator)
    const without = { service: read(), migrator: createMigrationEnv(definition).url.reveal() }
    Object.assign(process.env, stray)
    expect({ service: read(), migrator: createMigrationEnv(definition).url.reveal() }).toEqual(without)
    expect(() => createServiceEnv({ ...definition, environment: stray })).toThrow('DATABASE_URL')
  })
})
