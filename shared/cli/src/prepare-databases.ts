import { join } from 'node:path'
import { migrate } from '@shared/database'
import { createMigrationEnv, createServiceEnv } from '@shared/env'
import { type ProvisionReport, provision, type ServiceRoles } from '@shared/postgres'
import type { ServiceSetup } from './service-environment.ts'

/**
 * The roles a service's environment names: the runtime role from DATABASE_*, the migrator from MIGRATION_*.
 *
 * @param connectionLimit Default: twice what the service opens, pool and health probe, since the old and the new process
 *   of a restart may run side by side; 100 for an unlimited pool.
 * @throws {EnvironmentError}
 */
export function rolesOf({ service, environment }: ServiceSetup, connectionLimit?: number): ServiceRoles {
  const env = createServiceEnv({ ...service, environment })
  const migration = createMigrationEnv({ ...service, environment })
  const needed = env.DATABASE_POOL_SIZE + env.DATABASE_MAX_OVERFLOW + 1
  const limit = env.DATABASE_MAX_OVERFLOW === -1 ? unlimitedPool : 2 * needed
  return {
    service: service.service,
    database: env.DATABASE_NAME,
    owner: `${service.service}_owner`,
    migrator: { name: migration.MIGRATION_USER, password: migration.MIGRATION_PASSWORD.reveal() },
    app: {
      name: env.DATABASE_USER,
      password: env.DATABASE_PASSWORD.reveal(),
      connectionLimit: connectionLimit ?? limit,
    },
  }
}

const unlimitedPool = 100

/** Makes databases and roles of the services and says so in one line. @throws {ProvisionError} */
export async function provisionServices(
  adminUrl: string,
  roles: readonly ServiceRoles[],
  report: (line: string) => void,
): Promise<ProvisionReport> {
  const result = await provision({ adminUrl, services: roles })
  const own = new Set(roles.map(({ database }) => database))
  const databases = result.databases.filter(({ name }) => own.has(name))
  report(`provisioned ${databases.map(({ name, outcome }) => `${name} (${outcome})`).join(', ')}`)
  for (const warning of result.warnings) report(`warning: ${warning}`)
  return result
}

/** Applies a service's migrations as its migrator and says so in one line. @throws {EnvironmentError} */
export async function migrateService(setup: ServiceSetup, report: (line: string) => void): Promise<void> {
  const { service, environment } = setup
  const { url } = createMigrationEnv({ ...service, environment })
  const { applied, total } = await migrate({
    url: url.reveal(),
    migrationsFolder: join(service.schemaFolder, 'migrations'),
  })
  report(`migrated ${service.database}: ${applied} applied, ${total} in all`)
}
