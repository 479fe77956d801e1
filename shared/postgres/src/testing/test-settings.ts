import { resolve } from 'node:path'
import { defaultDataRoot } from '../server/place.ts'

/** Fast, at the price of the data when the machine crashes; enough connections for every test's pools. */
const fastSettings = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  checkpoint_timeout: '30min',
}

/** For servers that nothing is replicated from, and whose last commits may be lost when they are killed. */
export const testSettings: Readonly<Record<string, string>> = {
  ...fastSettings,
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  // Bounds what stays on disk after a run: PostgreSQL's own default is 1 GB.
  max_wal_size: '128MB',
  min_wal_size: '32MB',
}

/**
 * For servers that replicate. A commit is flushed before it is answered, as standbys are sent nothing before, and tests can
 * ask for more by ALTER SYSTEM. A standby that has lost its primary looks for it without the usual pause of five seconds.
 */
export const clusterSettings: Readonly<Record<string, string>> = {
  ...fastSettings,
  wal_retrieve_retry_interval: '100ms',
}

/** The number of this process among the workers of `bun test --parallel`, from 1 on; undefined outside of one. */
const thisWorker = (): string | undefined => process.env.BUN_TEST_WORKER_ID

/** The data root of the run's server: `.data/test` in the repository, `.data/test-1` for the first of several workers. */
export function testDataRoot(worker: string | number | undefined = thisWorker()): string {
  return resolve(defaultDataRoot(), worker === undefined ? '../test' : `../test-${worker}`)
}
