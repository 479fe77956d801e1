import { createMigrationEnv, createServiceEnv, type ServiceDefinition } from '@shared/env'

/** What the service is called, which database it owns and where it listens; readable without running it. */
export const authService = {
  service: 'auth',
  database: 'auth_db',
  port: 8001,
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(authService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(authService)
