import {
  boolean,
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
    AUTH_URL: {
      schema: serviceUrl(),
      default: 'http://auth:8001',
      description: 'Where the auth service is: it is asked whom the session of a request belongs to.',
    },
    AUTH_TIMEOUT: {
      schema: seconds({ min: 0.001, max: 60 }),
      default: '2',
      description: 'Seconds the auth service may take to answer; then the request gets a 503.',
    },
    REQUIRE_SESSION: {
      schema: boolean(),
      example: 'true',
      description:
        'Whether carts need a session of auth, and belong to its user. Unset: yes, but not with NODE_ENV=development.',
    },
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
