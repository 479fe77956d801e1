import { describe, expect, test } from 'bun:test'
import { definition, issuesOf, parts, reportOf } from '../test/environments.ts'
import { createServiceEnv } from './service-env.ts'

const read = (environment: Record<string, string | undefined>) =>
  createServiceEnv({ ...definition, environment })
const url = 'postgresql://auth_app:pw@db:5432/auth_db'

describe('the database address', () => {
  test('comes from the parts, encoded into a URL', () => {
    const env = read({ ...parts, DATABASE_PASSWORD: 'p@ss/w#rd%', DATABASE_PORT: '6543' })
    expect(env.DATABASE_URL.reveal()).toBe(
      'postgresql://auth_app:p%40ss%2Fw%23rd%25@db:6543/auth_db?sslmode=prefer',
    )
  })

  test('comes from the URL, taken apart', () => {
    const env = read({ DATABASE_URL: 'postgresql+asyncpg://auth_app:p%40ss@[::1]/auth_db?sslmode=require' })
    expect({
      ...env,
      DATABASE_PASSWORD: env.DATABASE_PASSWORD.reveal(),
      DATABASE_URL: env.DATABASE_URL.reveal(),
    }).toMatchObject({
      DATABASE_URL: 'postgresql://auth_app:p%40ss@[::1]:5432/auth_db?sslmode=require',
      DATABASE_HOST: '::1',
      DATABASE_PORT: '5432',
      DATABASE_NAME: 'auth_db',
      DATABASE_USER: 'auth_app',
      DATABASE_PASSWORD: 'p@ss',
      DATABASE_SSL_MODE: 'require',
    })
  })

  test('may be given in both forms when they agree', () => {
    const env = read({
      ...parts,
      DATABASE_URL: 'postgresql://auth_app:pw@DB:5432/auth_db?sslmode=disable',
      DATABASE_PORT: '5432',
      DATABASE_SSL_MODE: 'disable',
    })
    expect(env.DATABASE_SSL_MODE).toBe('disable')
  })

  test('may be completed by the parts where the URL leaves something out', () => {
    const env = read({
      DATABASE_URL: 'postgresql://auth_app@db/auth_db',
      DATABASE_PASSWORD: 'pw',
      DATABASE_PORT: '6543',
    })
    expect(env.DATABASE_URL.reveal()).toBe('postgresql://auth_app:pw@db:6543/auth_db?sslmode=prefer')
  })

  test.each([
    ['DATABASE_HOST', 'other', 'host'],
    ['DATABASE_PORT', '6543', 'port'],
    ['DATABASE_NAME', 'AUTH_DB', 'database'],
    ['DATABASE_USER', 'auth_migrator', 'user'],
    ['DATABASE_PASSWORD', 'canary', 'password'],
    ['DATABASE_SSL_MODE', 'disable', 'SSL mode'],
  ])('is an error when %s contradicts the URL, without the values', (variable, value, label) => {
    const environment = { DATABASE_URL: `${url}?sslmode=require`, [variable]: value }
    expect(issuesOf(environment)).toEqual([
      { variable, message: `and DATABASE_URL name a different ${label}: make them agree or drop one` },
    ])
  })

  test('is required, in one form or the other', () => {
    expect(issuesOf({})).toEqual([
      {
        variable: 'DATABASE_URL',
        message:
          'is required, or in its place DATABASE_HOST, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD',
      },
    ])
    expect(issuesOf({ DATABASE_HOST: 'db', DATABASE_PASSWORD: '' })).toEqual([
      { variable: 'DATABASE_NAME', message: 'is required (or DATABASE_URL)' },
      { variable: 'DATABASE_USER', message: 'is required (or DATABASE_URL)' },
      { variable: 'DATABASE_PASSWORD', message: 'is required (or DATABASE_URL)' },
    ])
    expect(issuesOf({ DATABASE_URL: 'postgresql://db' })).toEqual([
      {
        variable: 'DATABASE_URL',
        message:
          'names no database, user, password: add it there or set DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD',
      },
    ])
  })

  test('is not also called missing when it could not be read', () => {
    expect(issuesOf({ DATABASE_URL: 'mysql://db' })).toHaveLength(1)
    expect(
      issuesOf({ ...parts, DATABASE_PASSWORD: undefined, DATABASE_PASSWORD_FILE: '/nowhere/password' }),
    ).toHaveLength(1)
    expect(issuesOf({ DATABASE_URL_FILE: '/nowhere/url' })).toHaveLength(1)
  })
})

describe('several hosts', () => {
  const { DATABASE_HOST: _, ...others } = parts
  const address = (environment: Record<string, string>) => {
    const { DATABASE_HOST, DATABASE_PORT, DATABASE_URL } = read(environment)
    return { DATABASE_HOST, DATABASE_PORT, url: DATABASE_URL.reveal().replace(/^.*@|\/.*$/g, '') }
  }

  test('come from either form, with one port for all or one for each', () => {
    expect({
      'one port': address({ ...others, DATABASE_HOST: 'a,b', DATABASE_PORT: '6000' }),
      'a port each': address({ ...others, DATABASE_HOST: 'a,[::1],/run/pg', DATABASE_PORT: '1,2,3' }),
      url: address({ DATABASE_URL: 'postgresql://u:p@a:1,b/auth_db' }),
      'completed url': address({ DATABASE_URL: 'postgresql://u:p@a,b/auth_db', DATABASE_PORT: '1,2' }),
      'both, agreeing': address({
        ...parts,
        DATABASE_HOST: 'A,b',
        DATABASE_PORT: '1,1',
        DATABASE_URL: 'postgresql://a:1,b:1/',
      }),
    }).toEqual({
      'one port': { DATABASE_HOST: 'a,b', DATABASE_PORT: '6000', url: 'a:6000,b:6000' },
      'a port each': {
        DATABASE_HOST: 'a,::1,/run/pg',
        DATABASE_PORT: '1,2,3',
        url: 'a:1,[::1]:2,%2Frun%2Fpg:3',
      },
      url: { DATABASE_HOST: 'a,b', DATABASE_PORT: '1,5432', url: 'a:1,b:5432' },
      'completed url': { DATABASE_HOST: 'a,b', DATABASE_PORT: '1,2', url: 'a:1,b:2' },
      'both, agreeing': { DATABASE_HOST: 'a,b', DATABASE_PORT: '1', url: 'a:1,b:1' },
    })
  })

  test('and ports that do not fit them are an error', () => {
    const message = 'must have one port for all hosts, or one for each: 2, not 3'
    expect(issuesOf({ ...others, DATABASE_HOST: 'a,b', DATABASE_PORT: '1,2,3' })).toEqual([
      { variable: 'DATABASE_PORT', message },
    ])
    expect(issuesOf({ DATABASE_URL: 'postgresql://u:p@a:1,b:2/auth_db', DATABASE_HOST: 'a,c' })).toEqual([
      {
        variable: 'DATABASE_HOST',
        message: 'and DATABASE_URL name a different host: make them agree or drop one',
      },
    ])
  })
})

describe('what the URL says of options', () => {
  test('holds, and is what the env object shows', () => {
    const env = read({
      DATABASE_URL: `${url}?pool_size=5&pool_timeout=2.5&application_name=x&sslmode=require&schema=s`,
    })
    expect({
      ...env,
      DATABASE_URL: env.DATABASE_URL.reveal(),
    }).toMatchObject({
      DATABASE_URL: `${url}?sslmode=require&pool_size=5&pool_timeout=2.5&application_name=x&schema=s`,
      DATABASE_POOL_SIZE: 5,
      DATABASE_POOL_TIMEOUT: 2.5,
      DATABASE_APPLICATION_NAME: 'x',
      DATABASE_SSL_MODE: 'require',
    })
  })

  test('must agree with their variables, where those are set', () => {
    const both = { DATABASE_URL: `${url}?pool_size=5&connect_timeout=3`, DATABASE_CONNECT_TIMEOUT: '3' }
    expect(read({ ...both, DATABASE_POOL_SIZE: '5' }).DATABASE_POOL_SIZE).toBe(5)
    expect(issuesOf({ ...both, DATABASE_POOL_SIZE: '6' })).toEqual([
      {
        variable: 'DATABASE_POOL_SIZE',
        message: 'and DATABASE_URL name a different value: make them agree or drop one',
      },
    ])
  })
})

describe('the password', () => {
  const { DATABASE_PASSWORD: _, ...others } = parts

  test('is not required where a password file or a certificate stands for it, nor over a Unix socket', () => {
    expect([
      read({
        ...others,
        DATABASE_SSL_MODE: 'require',
        DATABASE_SSL_CERT: import.meta.path,
      }).DATABASE_PASSWORD.reveal(),
      read({ ...others, DATABASE_PASSFILE: '/run/pgpass' }).DATABASE_PASSWORD.reveal(),
      read({ DATABASE_URL: 'postgresql://u@a/auth_db?passfile=/run/pgpass' }).DATABASE_PASSWORD.reveal(),
      read({ ...others, DATABASE_HOST: '/run/postgresql' }).DATABASE_PASSWORD.reveal(),
    ]).toEqual(['', '', '', ''])
    expect(issuesOf({ ...others, DATABASE_HOST: '/run/postgresql,db' })).toHaveLength(1)
  })
})

describe('the database name', () => {
  test('is pinned to the service, in both forms', () => {
    expect(issuesOf({ DATABASE_URL: 'postgresql://u:pw@db/product_db' })).toEqual([
      {
        variable: 'DATABASE_URL',
        message: 'auth owns auth_db, DATABASE_URL names product_db (DATABASE_NAME_CHECK=false allows it)',
      },
    ])
    expect(issuesOf({ ...parts, DATABASE_NAME: 'product_db' })).toEqual([
      {
        variable: 'DATABASE_NAME',
        message: 'auth owns auth_db, DATABASE_NAME names product_db (DATABASE_NAME_CHECK=false allows it)',
      },
    ])
  })

  test('is compared as PostgreSQL does: to the letter', () => {
    expect(issuesOf({ ...parts, DATABASE_NAME: 'Auth_DB' })).toHaveLength(1)
  })

  test('may differ with DATABASE_NAME_CHECK=false, and not with a value that is no boolean', () => {
    expect(read({ ...parts, DATABASE_NAME: 'product_db', DATABASE_NAME_CHECK: 'false' }).DATABASE_NAME).toBe(
      'product_db',
    )
    expect(
      issuesOf({ ...parts, DATABASE_NAME: 'product_db', DATABASE_NAME_CHECK: 'nope' }).map(
        (issue) => issue.variable,
      ),
    ).toEqual(['DATABASE_NAME', 'DATABASE_NAME_CHECK'])
  })

  test('is not repeated when it is none: an unescaped password may have landed there', () => {
    expect(reportOf({ DATABASE_URL: 'postgresql://u:pw@db:12/canary@db' })).not.toContain('canary')
  })
})

describe('options of TLS', () => {
  test('must fit together, in whichever form they are given, and name files that are there', () => {
    const direct =
      'direct has no way back to the clear, which prefer asks for: set DATABASE_SSL_MODE to require or more'
    expect([
      issuesOf({ ...parts, DATABASE_SSL_NEGOTIATION: 'direct' }),
      issuesOf({ DATABASE_URL: `${url}?sslnegotiation=direct` }),
      issuesOf({ ...parts, DATABASE_SSL_KEY: import.meta.path }),
      issuesOf({ ...parts, DATABASE_SSL_CERT: '/nowhere' }),
    ]).toEqual([
      [{ variable: 'DATABASE_SSL_NEGOTIATION', message: direct }],
      [{ variable: 'DATABASE_SSL_NEGOTIATION', message: direct }],
      [
        {
          variable: 'DATABASE_SSL_KEY',
          message: 'is of no use without its certificate: set DATABASE_SSL_CERT',
        },
      ],
      [{ variable: 'DATABASE_SSL_CERT', message: 'names a file that does not exist or cannot be read' }],
    ])
  })
})

describe('the certificate authority', () => {
  test('must be a file, and be used', () => {
    expect(
      issuesOf({ ...parts, DATABASE_SSL_MODE: 'verify-full', DATABASE_SSL_ROOT_CERT: '/nowhere/ca.pem' }),
    ).toHaveLength(1)
    expect(
      issuesOf({ ...parts, DATABASE_SSL_MODE: 'verify-full', DATABASE_SSL_ROOT_CERT: import.meta.dir }),
    ).toHaveLength(1)
    expect(
      read({ ...parts, DATABASE_SSL_MODE: 'verify-full', DATABASE_SSL_ROOT_CERT: 'system' })
        .DATABASE_SSL_ROOT_CERT,
    ).toBe('system')
    expect(issuesOf({ ...parts, DATABASE_SSL_ROOT_CERT: import.meta.path })).toEqual([
      {
        variable: 'DATABASE_SSL_ROOT_CERT',
        message: 'is not used by SSL mode prefer: set DATABASE_SSL_MODE=verify-full',
      },
    ])
    expect(
      read({ DATABASE_URL: `${url}?sslmode=verify-full`, DATABASE_SSL_ROOT_CERT: import.meta.path })
        .DATABASE_SSL_ROOT_CERT,
    ).toBe(import.meta.path)
  })
})
