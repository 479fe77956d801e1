import { describe, expect, test } from 'bun:test'
import { format, inspect } from 'node:util'
import { Secret } from './secret.ts'

describe('Secret', () => {
  test('gives its value to reveal() only', () => {
    const secret = new Secret('canary')
    const shown = {
      string: String(secret),
      template: `${secret}`,
      joined: ['', secret].join(),
      json: JSON.stringify({ secret }),
      bun: Bun.inspect({ secret }),
      node: inspect({ secret }),
      bare: inspect(secret, { showHidden: true, customInspect: false }),
      format: format('%s %o %j', secret, secret, secret),
      keys: Reflect.ownKeys(secret),
      entries: Object.entries(secret),
      spread: { ...secret },
    }
    expect(JSON.stringify(shown)).not.toContain('canary')
    expect(shown).toMatchObject({
      string: '[secret]',
      template: '[secret]',
      json: '{"secret":"[secret]"}',
      bun: expect.stringContaining('[secret]'),
      node: expect.stringContaining('[secret]'),
      keys: [],
    })
    expect(secret.reveal()).toBe('canary')
  })

  test('is not carried along by structuredClone', () => {
    expect(JSON.stringify(structuredClone(new Secret('canary')))).toBe('{}')
  })

  test('cannot be changed', () => {
    expect(() => Object.assign(new Secret('canary'), { reveal: () => 'other' })).toThrow(TypeError)
  })
})
