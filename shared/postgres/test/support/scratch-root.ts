import { rmSync } from 'node:fs'
import { stopLocalCluster } from '../../src/index.ts'
import { privateDataRoot } from '../../src/testing/private-servers.ts'

/** A data root that is stopped and removed at the end of its block, whatever the test did to it. */
export async function scratchRoot(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await privateDataRoot()
  return {
    path,
    async [Symbol.asyncDispose]() {
      await stopLocalCluster({ dataRoot: path, mode: 'immediate' })
      rmSync(path, { recursive: true, force: true })
    },
  }
}
