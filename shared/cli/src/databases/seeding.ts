import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase, type DrizzleDatabase, type NoModel } from '@shared/database'
import { createServiceEnv, databaseOptions } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'
import type { Service } from '../workspace/services.ts'

/** The service's seed, null where it has none. */
export function seedFile({ schemaFolder }: Service): string | null {
  const file = join(schemaFolder, 'seed.ts')
  return existsSync(file) ? file : null
}

/**
 * Runs a seed, `export default async (db) => …`, in a transaction of the runtime role.
 *
 * @throws {CommandError} The file exports no function. {@link EnvironmentError}; what the seed throws.
 */
export async function seedService({ service, environment }: ServiceSetup, file: string): Promise<void> {
  const { default: seed }: { default?: unknown } = await import(file)
  if (typeof seed !== 'function')
    throw new CommandError(`${file} must export a function by default: export default async (db) => { … }`)
  const env = createServiceEnv({ ...service, environment })
  const database = createDatabase({ name: 'seed', ...databaseOptions(env) })
  try {
    await database.connect()
    const run: (db: Pick<DrizzleDatabase<NoModel>, 'insert'>) => Promise<unknown> = (db) => seed(db)
    await database.db.transaction(async (tx) => void (await run(tx)))
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}
