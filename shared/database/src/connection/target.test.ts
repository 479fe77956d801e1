import { describe, expect, test } from 'bun:test'
import { inspect } from 'node:util'
import { ConfigurationError } from '@shared/pool'
import { hostName, parseTarget } from './target.ts'

describe('parseTarget', () => {
  test('takes a URL apart and decodes it', () => {
    expect(parseTarget('postgresql://auth%40app:p%2Fw%25@db.example:6432/auth_db?sslmode=require')).toEqual({
      hosts: [{ name: 'db.example', port: 6432 }],
      database: 'auth_db',
      user: 'auth@app',
      password: 'p/w%',
      passwordFile: undefined,
      settings: {},
      tls: {},
      requireAuth: undefined,
      connection: { sslMode: 'require' },
      pool: {},
      notes: [],
    })
  })

  test('takes the default port, and an IPv6 host without its brackets', () => {
    expect(parseTarget('postgres://u:p@[::1]/d')).toMatchObject({
      hosts: [{ name: '::1', port: 5432 }],
      connection: {},
    })
  })

  test('names each host so that no other has the same name', () => {
    const { hosts } = parseTarget(
      'host=db,db,/run/pg,::1 port=1,2,3,4 hostaddr=10.0.0.1,10.0.0.2,, user=u dbname=d',
    )
    expect(hosts.map(hostName)).toEqual(['db(10.0.0.1):1', 'db(10.0.0.2):2', '/run/pg/.s.PGSQL.3', '[::1]:4'])
  })

  test.each([
    ['nonsense', 'must begin with postgresql://'],
    ['mysql://u:canary@h/d', 'must begin with postgresql://'],
    ['postgres://u:canary@/d', 'names no host'],
    ['postgres://:canary@h/d', 'names no user'],
    ['postgres://u:canary@h', 'names no database'],
    ['postgres://u:canary@h/', 'names no database'],
    ['postgres://u:canary%zz@h/d', 'has a % in its password that begins no escape'],
    ['postgres://u:canary@h/d?service=x', 'must not have service: service files are not read'],
    ['postgres://u:canary@h/d?sslmode=verify-ful', 'must have one sslmode: disable, prefer'],
  ])('refuses %p, saying why and never the password', (url, reason) => {
    const parse = () => parseTarget(url)
    expect(parse).toThrow(ConfigurationError)
    expect(parse).toThrow(reason)
    try {
      parse()
    } catch (error) {
      expect(inspect(error)).not.toContain('canary@')
      expect((error as Error).message).not.toContain('canary')
    }
  })
})
