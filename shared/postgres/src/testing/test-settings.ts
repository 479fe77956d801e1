import { resolve } from 'node:path'
import { defaultDataRoot } from '../server/place.ts'

/** Fast, at the price of the data when the machine crashes; enough connections for every test's pools. */
export const testSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  wal_level: 'minimal',
  max_wal_senders: '0',
  checkpoint_timeout: '30min',
}

/** The data root of the run's server: `.data/test` in the repository. */
export const testDataRoot = (): string => resolve(defaultDataRoot(), '../test')
