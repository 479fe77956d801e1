import type { inspect } from 'node:util'

const hidden = '[secret]'

/**
 * Holds a value that must not be printed: everything but `reveal()` shows `[secret]`.
 *
 * console.log, `Bun.inspect`, `util.inspect`, `JSON.stringify`, `String()` and template literals are covered;
 * `structuredClone` and `postMessage` copy nothing of it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    Object.freeze(this)
  }

  /** Returns the value itself. Call it where it is used, never where it is passed on. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [Symbol.toPrimitive](): string {
    return hidden
  }

  // The registered name of `util.inspect.custom`, which Bun.inspect and console.log honour too.
  [Symbol.for('nodejs.util.inspect.custom') as typeof inspect.custom](): string {
    return hidden
  }
}
