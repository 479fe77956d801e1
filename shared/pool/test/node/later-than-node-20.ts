import { deferred } from '../../src/deferred.ts'

// What tests use of newer runtimes. The packages themselves are compiled for Node 20.
Promise.withResolvers ??= deferred as typeof Promise.withResolvers

/** What is used of the stack of Node 24. */
class DisposableStackBefore24 {
  readonly #ends: (() => unknown)[] = []

  use<T extends AsyncDisposable>(value: T): T {
    this.#ends.push(() => value[Symbol.asyncDispose]())
    return value
  }

  defer(end: () => unknown): void {
    this.#ends.push(end)
  }

  async disposeAsync(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync()
  }
}
globalThis.AsyncDisposableStack ??= DisposableStackBefore24 as never
