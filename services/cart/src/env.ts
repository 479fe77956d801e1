import {
  createMigrationEnv,
  createServiceEnv,
  type ServiceDefinition,
  seconds,
  serviceUrl,
} from '@shared/env'

/** What the service is called, which database it owns, where it listens and whom it asks; readable without running it. */
export const cartService = {
  service: 'cart',
  database: 'cart_db',
  port: 8003,
  variables: {
    PRODUCT_URL: {
      schema: serviceUrl(),
      required: true,
      example: 'http://product:8002',
      description: 'Where the product service is: its prices are asked for when something is put in a cart.',
    },
    PRODUCT_TIMEOUT: {
      schema: seconds({ min: 0.001, max: 60 }),
      default: '2',
      description: 'Seconds the product service may take to answer; then the request gets a 503.',
    },
  },
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(cartService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(cartService)
