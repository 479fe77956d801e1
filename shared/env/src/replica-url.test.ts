import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { definition, issuesOf, parts, reportOf } from '../test/environments.ts'
import { databaseOptions } from './database-options.ts'
import { createServiceEnv } from './service-env.ts'

const read = (environment: Record<string, string>) =>
  databaseOptions(createServiceEnv({ ...definition, environment })).replicas

describe('the address of the standbys', () => {
  test('is completed by that of the database', () => {
    expect({
      'hosts alone': read({ ...parts, DATABASE_REPLICA_URL: 'postgresql://db-2,db-3:5433' }).url,
      'what it says': read({
        ...parts,
        DATABASE_REPLICA_URL: 'postgresql://reader:its@db-2/auth_db?sslmode=require',
      }).url,
      'options of the database': read({
        DATABASE_URL: 'postgresql://auth_app:pw@db/auth_db?sslmode=verify-full&options=-cwork_mem%3D8MB',
        DATABASE_REPLICA_URL: 'host=db-2',
      }).url,
    }).toEqual({
      'hosts alone': 'postgresql://auth_app:pw@db-2:5432,db-3:5433/auth_db?sslmode=prefer',
      'what it says': 'postgresql://reader:its@db-2:5432/auth_db?sslmode=require',
      'options of the database':
        'postgresql://auth_app:pw@db-2:5432/auth_db?sslmode=verify-full&options=-cwork_mem%3D8MB',
    })
  })

  test('is not set where it is not given: the standbys are among the hosts of the database then', () => {
    expect(
      read({ ...parts, DATABASE_HOST: 'db-1,db-2', DATABASE_ROUTE_READS: 'yes', DATABASE_MAX_LAG: '0.5' }),
    ).toEqual({ routeReads: true, maxLagMs: 500 })
  })

  test('comes from a file too, and has the password of a file read again at each connect', () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-replicas-'))
    try {
      const [password, url] = [join(folder, 'password'), join(folder, 'url')]
      writeFileSync(password, 'pw\n')
      const { DATABASE_PASSWORD: _, ...others } = parts
      const given = { ...others, DATABASE_PASSWORD_FILE: password, DATABASE_REPLICA_URL_FILE: url }
      writeFileSync(url, 'postgresql://db-2\n')
      expect(read(given)).toMatchObject({
        url: 'postgresql://auth_app:@db-2:5432/auth_db?sslmode=prefer',
        passwordFile: password,
      })
      writeFileSync(url, 'postgresql://reader:its@db-2')
      expect(read(given)).toMatchObject({
        url: 'postgresql://reader:its@db-2:5432/auth_db?sslmode=prefer',
        passwordFile: undefined,
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test.each([
    ['postgresql:///auth_db', 'names no host: add where the standbys are'],
    ['postgresql://db-2/cart_db', 'names another database than the service’s: standbys have the same'],
  ])('is refused where it is of no use: %s', (url, message) => {
    expect(issuesOf({ ...parts, DATABASE_REPLICA_URL: url })).toEqual([
      { variable: 'DATABASE_REPLICA_URL', message },
    ])
  })

  test('is a secret', () => {
    const report = reportOf({ ...parts, DATABASE_REPLICA_URL: 'postgresql://reader:canary@db-2:x/auth_db' })
    const env = createServiceEnv({
      ...definition,
      environment: { ...parts, DATABASE_REPLICA_URL: 'postgresql://reader:canary@db-2' },
    })
    expect(`${report} ${Bun.inspect(env)} ${JSON.stringify(env)}`).not.toContain('canary')
  })
})
