import { describe, expect, test } from 'bun:test'
import { type DatabaseTarget, formatDatabaseUrl } from './format.ts'
import { joinHosts } from './hosts.ts'
import { parseConnectionString } from './parse.ts'

function problems(text: string): string[] {
  const result = parseConnectionString(text)
  return 'problems' in result ? result.problems : []
}

function parts(text: string) {
  const result = parseConnectionString(text)
  if ('problems' in result) throw new Error(result.problems.join('; '))
  return result.parts
}

/** What a string says, without what it leaves out. */
function said(text: string) {
  const { names, addresses, ports, connection, pool, settings, tls, notes, parameters, ...rest } = parts(text)
  const hosts = joinHosts({ names, addresses, ports })
  const groups = { connection, pool, settings, tls }
  const filled = Object.entries(groups).filter(([, group]) => Object.keys(group).length > 0)
  return {
    ...(hosts && { hosts }),
    ...rest,
    ...Object.fromEntries(filled),
    ...(notes.length > 0 && { notes }),
  }
}

const complete = {
  hosts: [{ name: 'db', port: 6543 }],
  user: 'auth_app',
  password: 'pw',
  database: 'auth_db',
}
const url = 'postgresql://auth_app:pw@db:6543/auth_db'

describe('a URI', () => {
  test.each([
    'postgres://',
    'postgresql://',
    'postgresql+asyncpg://',
    'postgresql+psycopg2://',
    'postgres+pg8000://',
    'jdbc:postgresql://',
    'POSTGRESQL://',
  ])('begins with %s', (scheme) => {
    expect<unknown>(said(`${scheme}auth_app:pw@db:6543/auth_db`)).toEqual(complete)
  })

  test('has user, password and database percent-encoded', () => {
    expect<unknown>(said('postgresql://a%40b:p%2F%3F%23%40%3A%25%20%C3%A9@db:6543/my%20db')).toEqual({
      ...complete,
      user: 'a@b',
      password: 'p/?#@:% é',
      database: 'my db',
    })
  })

  test('has a + for a plus, not for a space', () => {
    expect(parts('postgresql://u:a+b@db/d?application_name=a+b')).toMatchObject({
      password: 'a+b',
      connection: { applicationName: 'a+b' },
    })
  })

  test('is split at the last @, as an unescaped one belongs to the password, and Azure has one in its users', () => {
    expect([parts('postgresql://u:p@ss@db/d'), parts('postgresql://app@server:pw@db/d')]).toMatchObject([
      { user: 'u', password: 'p@ss', names: ['db'] },
      { user: 'app@server', password: 'pw', names: ['db'] },
    ])
  })

  test('may leave everything out', () => {
    expect<unknown>([said('postgresql://'), said('postgresql://db'), said('postgresql:///d')]).toEqual([
      {},
      { hosts: [{ name: 'db', port: 5432 }] },
      { database: 'd' },
    ])
  })

  test('names several hosts, each with its port, IPv6 between brackets, sockets percent-encoded or in the query', () => {
    const hostsOf = (text: string) => {
      const hosts = joinHosts(parts(text))
      return typeof hosts === 'string' ? hosts : hosts?.map(({ name, port }) => `${name} ${port}`)
    }
    expect({
      each: hostsOf('postgresql://u@a:1,b,[::1]:3/d'),
      'one port for all': hostsOf('postgresql://u@a,b/d?port=6000'),
      socket: hostsOf('postgresql://u@%2Frun%2Fpostgresql:6000/d'),
      abstract: hostsOf('postgresql://u@%40pg/d'),
      'in the query': hostsOf('postgresql:///d?host=a,/run/pg&port=1,2'),
      'instead of the one before it': hostsOf(
        'postgresql://u:p@localhost/d?host=/cloudsql/project:region:one',
      ),
      'repeated, with ports': hostsOf('postgresql+psycopg2://u:p@/d?host=a:1&host=b:2'),
    }).toEqual({
      each: ['a 1', 'b 5432', '::1 3'],
      'one port for all': ['a 6000', 'b 6000'],
      socket: ['/run/postgresql 6000'],
      abstract: ['@pg 5432'],
      'in the query': ['a 1', '/run/pg 2'],
      'instead of the one before it': ['/cloudsql/project:region:one 5432'],
      'repeated, with ports': ['a 1', 'b 2'],
    })
  })

  test('names addresses to connect to in place of looking the hosts up', () => {
    expect(
      [parts('postgresql://u@a,b/d?hostaddr=10.0.0.1,'), parts('postgresql://u@/d?hostaddr=::1')].map(
        joinHosts,
      ),
    ).toEqual([
      [
        { name: 'a', port: 5432, address: '10.0.0.1' },
        { name: 'b', port: 5432 },
      ],
      [{ name: '::1', port: 5432 }],
    ])
  })

  test.each([
    ['mysql://u:p@db/auth_db', 'postgresql://'],
    ['postgresql+://u:p@db/auth_db', 'postgresql://'],
    ['auth_db', 'postgresql://'],
    ['postgresql://u:p w@db/auth_db', 'spaces'],
    ['postgresql://u:p\tw@db/auth_db', 'spaces'],
    ['postgresql://u:p#w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p/w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p?w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p%w@db/auth_db', '%25'],
    ['postgresql://u:p%00@db/auth_db', 'control character'],
    ['postgresql://u:p@db:65536/auth_db', '65535'],
    ['postgresql://u:p@db:0/auth_db', '65535'],
    ['postgresql://u:p@db/auth_db/', 'without another /'],
    ['postgresql://u:p@a%20b/auth_db', 'host'],
    ['postgresql://u:p@a,,b/auth_db', 'empty place'],
    ['postgresql://u:p@a,b/auth_db?port=1,2,3', 'one port for all hosts, or one for each: 2, not 3'],
    ['postgresql://u:p@a,b/auth_db?hostaddr=10.0.0.1', 'as many addresses in hostaddr as hosts: 2, not 1'],
    ['postgresql://u:p@a/auth_db?hostaddr=b', 'IP addresses'],
    ['postgresql://u:p@[::1/auth_db', 'percent-encode'],
    ['postgresql://u:p@db/d?sslmode', 'name=value'],
    ['postgresql://u:p@db/d?sslmode=require&sslmode=disable', 'sslmode twice'],
    ['postgresql://u:p@db/d?sslmode=verify', 'one sslmode: disable, prefer, require, verify-ca, verify-full'],
    ['postgresql://u:p@db/d?SSLMode=require', 'write sslmode'],
    ['postgresql://u:p@db/d?sslrootcert=system&sslmode=require', 'verify-full'],
    ['postgresql://u:p@db/d?pool_size=many', 'pool_size as a whole number from 1'],
    ['postgresql://db/d?search_path=x', 'say the user'],
    ['postgresql://u:p@db/d?search-path=x', 'neither known nor a setting'],
    ['postgresql://u:x@y?canary=1@db:5432/d', 'percent-encode'],
  ])('%j is refused', (text, hint) => {
    expect(problems(text).join()).toContain(hint)
  })
})

describe('keyword=value pairs', () => {
  test('are read with libpq’s quoting', () => {
    expect<unknown>(
      said(
        `host=a,b port = 1,2 user=app\\ one  password='it''s' dbname='my \\'db\\''`.replace("''s", "\\'s"),
      ),
    ).toEqual({
      hosts: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
      ],
      user: 'app one',
      password: "it's",
      database: "my 'db'",
    })
  })

  test.each([
    ["host=a password='canary", 'cannot be read'],
    ['host=a password=pw canary', 'cannot be read'],
    ['host=a user=u password=pw canary=1', 'between single quotes'],
    ['host=a user=u DBName=d', 'write dbname'],
    ['Host=a;Username=u;Password=canary', '.NET'],
  ])('%j is refused, without a piece that may be of a password', (text, hint) => {
    expect(problems(text).join()).toContain(hint)
    expect(problems(text).join()).not.toContain('canary')
  })
})

describe('parameters', () => {
  test('become options, which win, settings of the server, and notes of what has no effect', () => {
    const query =
      'sslmode=verify-full&connect_timeout=5&target_session_attrs=any&options=endpoint%3Dabc&pool_size=5&max_overflow=0' +
      '&search_path=app%2Cpublic&app.tenant=7&pgbouncer=true&keepalives_idle=30&tcp_user_timeout=1'
    expect<unknown>(said(`${url}?${query}`)).toEqual({
      ...complete,
      connection: {
        sslMode: 'verify-full',
        connectTimeoutMs: 5_000,
        targetSessionAttrs: 'any',
        options: 'endpoint=abc',
        keepAliveMs: 30_000,
      },
      pool: { poolSize: 5, maxOverflow: 0 },
      settings: { search_path: 'app,public', 'app.tenant': '7' },
      notes: [
        'pgbouncer (a pooler is recognized at the login)',
        expect.stringContaining('tcp_user_timeout (Bun does not set'),
      ],
    })
  })

  test('of libpq mean what they mean there', () => {
    const optionsOf = (query: string) => {
      const { connection, pool, settings } = parts(`${url}?${query}`)
      return { ...connection, ...pool, ...settings }
    }
    const queries = {
      'connect_timeout=0': { connectTimeoutMs: 2_147_483_647 },
      'connect_timeout=-1': { connectTimeoutMs: 2_147_483_647 },
      'keepalives=0': { keepAliveMs: 0 },
      'keepalives=0&keepalives_idle=5': { keepAliveMs: 0 },
      'keepalives_idle=5&keepalives=0': { keepAliveMs: 0 },
      'keepalives_idle=0': {},
      'fallback_application_name=x': { applicationName: 'x' },
      'fallback_application_name=x&application_name=y': { applicationName: 'y' },
      'application_name=y&fallback_application_name=x': { applicationName: 'y' },
      'ssl=true': { sslMode: 'require' },
      'ssl=false': { sslMode: 'disable' },
      'ssl=true&sslmode=verify-full': { sslMode: 'verify-full' },
      'sslmode=verify-full&ssl=true': { sslMode: 'verify-full' },
      'sslmode=allow': { sslMode: 'prefer' },
      'sslrootcert=system': { sslRootCert: 'system', sslMode: 'verify-full' },
      'client_encoding=utf8': {},
      'application_name=': {},
    }
    expect<unknown>(
      Object.fromEntries(Object.keys(queries).map((query) => [query, optionsOf(query)])),
    ).toEqual(queries)
  })

  test('of other stacks mean what they mean there', () => {
    const optionsOf = (query: string) => {
      const { connection, pool, settings } = parts(`${url}?${query}`)
      return { ...connection, ...pool, ...settings }
    }
    const queries = {
      'connection_limit=1&pool_timeout=0': { poolSize: 1, maxOverflow: 0, checkoutTimeoutMs: 2_147_483_647 },
      'max_overflow=3&max=5': { poolSize: 5, maxOverflow: 3 },
      'max=5&max_overflow=3': { poolSize: 5, maxOverflow: 3 },
      'pool_recycle=-1&idle_timeout=20': { recycleMs: Number.POSITIVE_INFINITY, idleTimeoutMs: 20_000 },
      'schema=my"one': { search_path: '"my""one"' },
      'sslaccept=strict': { sslMode: 'verify-full' },
      'statement_timeout=5s': { statementTimeoutMs: 5_000 },
      'statement_timeout=250': { statementTimeoutMs: 250 },
      'prepare=false&statement_cache_size=0': { prepare: false, maxPreparedStatements: 0 },
      'sslmode=no-verify': { sslMode: 'require' },
      'ssl=require': { sslMode: 'require' },
    }
    expect<unknown>(
      Object.fromEntries(Object.keys(queries).map((query) => [query, optionsOf(query)])),
    ).toEqual(queries)
  })
})

test('no problem ever repeats a password, wherever a missing escape has put it', () => {
  const passwords = [
    'canary',
    '12/canary',
    '12?canary',
    '12?canary=1',
    '12#canary',
    '%canary',
    'a b canary',
    'canary,x',
    '[canary',
    'x@y?canary=1',
    'x@y?user=canary',
    'x@y/d?canary=1&canary=2',
  ]
  const all = passwords.flatMap((password) => problems(`postgresql://u:${password}@db:99999/x/y?canar=1`))
  expect(all.length).toBeGreaterThanOrEqual(passwords.length)
  expect(all.join()).not.toContain('canary')
})

describe('formatDatabaseUrl', () => {
  const target: DatabaseTarget = {
    hosts: [
      { name: 'a', port: 1, address: '10.0.0.1' },
      { name: '2001:db8::5', port: 2 },
      { name: '/run/pg', port: 3 },
      { name: '@abstract', port: 4 },
    ],
    user: 'a:b@c/d',
    password: '%25 #?&=+$é💧\'"\\',
    database: 'my db/?',
    sslMode: 'verify-ca',
    parameters: { search_path: 'a b&=?#+%', pgbouncer: 'true', options: '-c x=1' },
  }

  test('writes what is read back: every host, parameter and character', () => {
    const { names, addresses, ports, user, password, database, parameters, connection } = parts(
      formatDatabaseUrl(target),
    )
    expect<unknown>({
      hosts: joinHosts({ names, addresses, ports }),
      user,
      password,
      database,
      parameters,
      sslMode: connection.sslMode,
    }).toEqual({
      ...target,
      parameters: { ...target.parameters, sslmode: 'verify-ca' },
    })
  })

  test('writes its own sslmode in place of what the parameters say of it', () => {
    const { parameters } = parts(`${url}?ssl=true&sslaccept=strict`)
    expect(
      formatDatabaseUrl({
        ...target,
        hosts: [{ name: 'db', port: 1 }],
        user: 'u',
        password: '',
        database: 'd',
        parameters,
      }),
    ).toBe('postgresql://u:@db:1/d?sslmode=verify-ca')
  })
})
