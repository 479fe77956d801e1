import { createDatabase } from '../database.ts'
import type { ConnectionOptions } from '../options.ts'

/** How to reach a database as its migrator. */
export interface MigratorOptions {
  url: string
  connection?: Partial<ConnectionOptions>
}

/** One connection, without plans that could outlive what a migration changes. */
export function openMigrator({ url, connection }: MigratorOptions) {
  return createDatabase({
    name: 'migrate',
    url,
    pool: { poolSize: 1, maxOverflow: 0, resetOnCheckin: 'rollback' },
    connection: { ...connection, prepare: false, definitionsCheckMs: 0 },
  })
}
