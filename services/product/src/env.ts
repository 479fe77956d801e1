import { createMigrationEnv, createServiceEnv, type ServiceDefinition } from '@shared/env'

/** What the service is called, which database it owns and where it listens; readable without running it. */
export const productService = {
  service: 'product',
  database: 'product_db',
  port: 8002,
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(productService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(productService)
