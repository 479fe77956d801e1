import { rmSync } from 'node:fs'
import { stopPostgres } from '../../src/index.ts'
import { privateDataRoot } from '../../src/testing/private-servers.ts'

/** A data root that is stopped and removed at the end of its block, whatever the test did to it. */
export async function scratchRoot(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await privateDataRoot()
  return {
    path,
    async [Symbol.asyncDispose]() {
      await stopPostgres({ dataRoot: path, mode: 'immediate' })
      rmSync(path, { recursive: true, force: true })
    },
  }
}
