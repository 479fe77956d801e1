import { describe, expect, test } from 'bun:test'
import { inspect } from 'node:util'
import { guardEnv } from './guard-env.ts'
import { Secret } from './secret.ts'

const values = { PORT: 8001, HOST: undefined, DATABASE_URL: new Secret('canary') }
const open = (env: object) => env as Record<string, unknown>

describe('an env object', () => {
  test('cannot be assigned to, extended, redefined or emptied', () => {
    const env = guardEnv(values)
    expect(() => Object.assign(env, { PORT: 1 })).toThrow(TypeError)
    expect(() => Object.assign(env, { NEW: 1 })).toThrow(TypeError)
    expect(() => Object.defineProperty(env, 'PORT', { value: 1 })).toThrow(TypeError)
    expect(() => Reflect.deleteProperty(env, 'PORT') || raise()).toThrow()
    expect(() => Object.setPrototypeOf(env, { extra: 1 })).toThrow(TypeError)
    expect({ frozen: Object.isFrozen(env), port: env.PORT }).toEqual({ frozen: true, port: 8001 })
  })

  test('throws at a name it does not have, saying which was meant', () => {
    const env = open(guardEnv(values))
    expect(() => env.DATABSE_URL).toThrow(
      new TypeError('env.DATABSE_URL does not exist: did you mean env.DATABASE_URL?'),
    )
    expect(() => env.SOMETHING_ELSE).toThrow(new TypeError('env.SOMETHING_ELSE does not exist'))
    expect(() => {
      const { prot } = env
      return prot
    }).toThrow(TypeError)
  })

  test('gives undefined for a variable that is known and unset', () => {
    expect(guardEnv(values).HOST).toBeUndefined()
  })

  test('can be awaited, printed, compared, spread and checked with in', async () => {
    const env = guardEnv(values)
    expect(await env).toBe(env)
    expect(await Promise.resolve(env)).toBe(env)
    expect(env).toEqual(values)
    expect(env).toMatchObject({ PORT: 8001 })
    expect({ ...env }).toEqual(values)
    expect(['PORT' in env, 'PROT' in env, Object.hasOwn(env, 'PORT')]).toEqual([true, false, true])
    expect(`${env}`).toBe('[object Object]')
  })

  test('hides its secrets however it is printed', () => {
    const env = guardEnv(values)
    const shown = [
      Bun.inspect(env),
      inspect(env),
      inspect(env, { showProxy: true, showHidden: true, customInspect: false }),
      JSON.stringify(env),
      JSON.stringify({ ...env }),
      Bun.inspect(Object.entries(env)),
      (() => {
        try {
          return JSON.stringify(structuredClone(env))
        } catch (error) {
          return String(error)
        }
      })(),
    ]
    expect(shown.join()).not.toContain('canary')
    expect(shown.join()).toContain('[secret]')
  })
})

function raise(): never {
  throw new Error('not deleted')
}
