import { test as nodeTest } from 'node:test'

export { afterEach, describe } from 'node:test'
export { expect } from 'expect'

/** `test` of `bun:test` on Node's own runner. */
export function test(name: string, run: () => unknown, timeoutMs = Number.POSITIVE_INFINITY): void {
  void nodeTest(name, { timeout: timeoutMs }, async () => {
    await run()
  })
}
