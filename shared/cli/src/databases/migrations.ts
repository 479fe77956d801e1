import { join } from 'node:path'
import {
  type BaselineResult,
  baseline,
  ConnectError,
  type MigrateOptions,
  type MigrationStatus,
  migrate,
  migrationStatus,
} from '@shared/database'
import { createMigrationEnv } from '@shared/env'
import { CommandError } from '../command-line/errors.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'

/** Applies a service's migrations as its migrator and reports how many. @throws {EnvironmentError} {@link CommandError} */
export async function migrateService(setup: ServiceSetup, report: (line: string) => void): Promise<void> {
  const { applied, total } = await asMigrator(setup, migrate)
  report(`migrated ${setup.service.database}: ${applied} applied, ${total} in all`)
}

/** Compares a service's migrations with its database, as its migrator. @throws As {@link migrateService}. */
export function statusOfMigrations(setup: ServiceSetup): Promise<MigrationStatus> {
  return asMigrator(setup, migrationStatus)
}

/** Records a service's first migrations as applied, after comparing the tables. @throws As {@link migrateService}. */
export function baselineService(
  setup: ServiceSetup,
  options: { count?: number; dryRun?: boolean },
): Promise<BaselineResult> {
  return asMigrator(setup, (target) => baseline({ ...target, ...options }))
}

/** SQLSTATEs of a login that the server does not know or accept. */
const refusedLogins = ['28P01', '28000']

async function asMigrator<T>(
  { service, environment }: ServiceSetup,
  work: (target: MigrateOptions) => Promise<T>,
): Promise<T> {
  const env = createMigrationEnv({ ...service, environment })
  try {
    return await work({
      url: env.url.reveal(),
      migrationsFolder: join(service.schemaFolder, 'migrations'),
      connection: {
        sslRootCert: env.DATABASE_SSL_ROOT_CERT,
        connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT * 1_000,
      },
    })
  } catch (error) {
    if (!(error instanceof ConnectError) || !refusedLogins.includes(error.sqlState ?? '')) throw error
    throw new CommandError(
      `${error.message}\nThe login is that of MIGRATION_USER (${env.MIGRATION_USER}) and MIGRATION_PASSWORD: set them in ` +
        `services/${service.service}/.env.local, or have db:provision make the role with them.`,
      { cause: error },
    )
  }
}
