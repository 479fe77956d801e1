import { suggest } from './suggest.ts'

// What runtimes and test runners look up on any object: `await`, JSON.stringify, matchers, module interop.
const protocolKeys = new Set([
  'then',
  'toJSON',
  'inspect',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  '$$typeof',
  '__esModule',
])

/**
 * Freezes an env object and makes reading a name it does not have throw, with the name that was meant.
 *
 * @throws {TypeError} From the returned object: at an unknown name, and at any assignment.
 */
export function guardEnv<T extends object>(values: T): T {
  return new Proxy(Object.freeze({ ...values }), {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || key in target || protocolKeys.has(key))
        return Reflect.get(target, key, receiver)
      const meant = suggest(key, Object.keys(target))
      throw new TypeError(`env.${key} does not exist${meant ? `: did you mean env.${meant}?` : ''}`)
    },
  })
}
