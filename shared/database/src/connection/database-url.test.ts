import { describe, expect, test } from 'bun:test'
import { formatDatabaseUrl, parseDatabaseUrl } from './database-url.ts'

function problems(text: string, settingOf?: (parameter: string) => string): string[] {
  const result = parseDatabaseUrl(text, settingOf)
  return 'problems' in result ? result.problems : []
}

const complete = {
  host: 'db',
  port: 6543,
  user: 'auth_app',
  password: 'pw',
  database: 'auth_db',
  sslMode: undefined,
}

describe('parseDatabaseUrl', () => {
  test.each([
    'postgres://',
    'postgresql://',
    'postgresql+asyncpg://',
    'postgresql+psycopg2://',
    'postgres+pg8000://',
    'POSTGRESQL://',
  ])('reads %s', (scheme) => {
    expect(parseDatabaseUrl(`${scheme}auth_app:pw@db:6543/auth_db`)).toEqual({ parts: complete })
  })

  test('decodes user, password and database', () => {
    expect(parseDatabaseUrl('postgresql://a%40b:p%2F%3F%23%40%3A%25%20%C3%A9@db:6543/my%20db')).toEqual({
      parts: { ...complete, user: 'a@b', password: 'p/?#@:% é', database: 'my db' },
    })
  })

  test('takes a + for a plus, not for a space', () => {
    expect(parseDatabaseUrl('postgresql://auth_app:a+b@db:6543/auth_db')).toEqual({
      parts: { ...complete, password: 'a+b' },
    })
  })

  test('splits at the last @, as an unescaped one belongs to the password', () => {
    expect(parseDatabaseUrl('postgresql://auth_app:p@ss@db:6543/auth_db')).toEqual({
      parts: { ...complete, password: 'p@ss' },
    })
  })

  test('leaves out what is not there', () => {
    expect(parseDatabaseUrl('postgresql://db')).toEqual({
      parts: {
        host: 'db',
        port: undefined,
        user: undefined,
        password: undefined,
        database: undefined,
        sslMode: undefined,
      },
    })
  })

  test('reads an IPv6 host without its brackets', () => {
    expect(parseDatabaseUrl('postgresql://auth_app:pw@[2001:db8::5]:6543/auth_db')).toEqual({
      parts: { ...complete, host: '2001:db8::5' },
    })
  })

  test('reads sslmode and no other parameter', () => {
    const url = 'postgresql://auth_app:pw@db:6543/auth_db'
    expect({
      ssl: parseDatabaseUrl(`${url}?sslmode=verify-full`),
      unknownMode: problems(`${url}?sslmode=allow`),
      twice: problems(`${url}?sslmode=require&sslmode=disable`),
      ofAnother: problems(`${url}?pool_size=5&max_overflow=3`),
      ofAnotherWithAdvice: problems(`${url}?pool_size=5`, (name) =>
        name === 'pool_size' ? 'pool.poolSize' : '',
      ),
      unknown: problems(`${url}?schema=public`),
    }).toEqual({
      ssl: { parts: { ...complete, sslMode: 'verify-full' } },
      unknownMode: ['must have one sslmode: disable, prefer, require, verify-ca, verify-full'],
      twice: ['must have one sslmode: disable, prefer, require, verify-ca, verify-full'],
      ofAnother: [
        'must not have the parameter pool_size: remove it',
        'must not have the parameter max_overflow: remove it',
      ],
      ofAnotherWithAdvice: ['must not have the parameter pool_size: set pool.poolSize'],
      unknown: ['must not have the parameter schema: remove it'],
    })
  })

  test.each([
    ['mysql://u:p@db/auth_db', 'postgresql://'],
    ['postgresql+://u:p@db/auth_db', 'postgresql://'],
    ['auth_db', 'postgresql://'],
    ['postgresql://u:p@one:5432,two:5432/auth_db', 'several hosts'],
    ['postgresql://u:p@one,two/auth_db', 'several hosts'],
    ['postgresql://u:p w@db/auth_db', 'spaces'],
    ['postgresql://u:p\tw@db/auth_db', 'spaces'],
    ['postgresql://u:p#w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p/w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p?w@db/auth_db', 'percent-encode'],
    ['postgresql://u:p%w@db/auth_db', '%25'],
    ['postgresql://u:p%00@db/auth_db', 'control character'],
    ['postgresql://u:p@db:65536/auth_db', 'percent-encode'],
    ['postgresql://u:p@db:0/auth_db', '65535'],
    ['postgresql://u:p@db/auth_db/', 'without another /'],
    ['postgresql://u:p@%2Fvar%2Frun/auth_db', 'host'],
    ['postgresql://u:p@[::1/auth_db', 'percent-encode'],
  ])('refuses %j', (text, hint) => {
    expect(problems(text).join()).toContain(hint)
  })

  test('never repeats a password, wherever a missing escape has put it', () => {
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
    ]
    const all = passwords.flatMap((password) => problems(`postgresql://u:${password}@db:99999/x/y?canar=1`))
    expect(all.length).toBeGreaterThanOrEqual(passwords.length)
    expect(all.join()).not.toContain('canary')
  })
})

describe('formatDatabaseUrl', () => {
  test.each([
    { ...complete, sslMode: 'prefer' as const },
    {
      host: '2001:db8::5',
      port: 1,
      user: 'a:b@c/d',
      password: '%25 #?&=+$é💧\'"\\',
      database: 'my db/?',
      sslMode: 'verify-ca' as const,
    },
  ])('writes what the URL standard and the driver read back: %j', (target) => {
    const url = new URL(formatDatabaseUrl(target))
    expect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      sslMode: url.searchParams.get('sslmode'),
    }).toEqual(target)
  })
})
