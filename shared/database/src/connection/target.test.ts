import { describe, expect, test } from 'bun:test'
import { ConfigurationError } from '@shared/pool'
import { parseTarget } from './target.ts'

describe('parseTarget', () => {
  test('takes a URL apart and decodes it', () => {
    expect(parseTarget('postgresql://auth%40app:p%2Fw%25@db.example:6432/auth_db?sslmode=require')).toEqual({
      host: 'db.example',
      port: 6432,
      database: 'auth_db',
      user: 'auth@app',
      password: 'p/w%',
      passwordFile: undefined,
      sslMode: 'require',
    })
  })

  test('takes the default port, and an IPv6 host without its brackets', () => {
    expect(parseTarget('postgres://u:p@[::1]/d')).toMatchObject({
      host: '::1',
      port: 5432,
      sslMode: undefined,
    })
  })

  test.each([
    ['nonsense', 'must begin with postgresql://'],
    ['mysql://u:canary@h/d', 'must begin with postgresql://'],
    ['postgres://u:canary@/d', 'cannot be read'],
    ['postgres://:canary@h/d', 'names no user'],
    ['postgres://u:canary@h', 'names no database'],
    ['postgres://u:canary@h/', 'names no database'],
    ['postgres://u:canary%zz@h/d', 'has a % in its password that begins no escape'],
    ['postgres://u:canary@h/d?schema=public', 'parameter schema'],
    ['postgres://u:canary@h/d?sslmode=verify-ful', 'must have one sslmode: disable, prefer'],
  ])('refuses %p, saying why and never the password', (url, reason) => {
    const parse = () => parseTarget(url)
    expect(parse).toThrow(ConfigurationError)
    expect(parse).toThrow(reason)
    try {
      parse()
    } catch (error) {
      expect(Bun.inspect(error)).not.toContain('canary@')
      expect((error as Error).message).not.toContain('canary')
    }
  })
})
