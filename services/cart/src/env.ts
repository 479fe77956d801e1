import { createMigrationEnv, createServiceEnv, type ServiceDefinition } from '@shared/env'

/** What the service is called, which database it owns and where it listens; readable without running it. */
export const cartService = {
  service: 'cart',
  database: 'cart_db',
  port: 8003,
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(cartService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(cartService)
