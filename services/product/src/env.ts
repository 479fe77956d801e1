import {
  boolean,
  createMigrationEnv,
  createServiceEnv,
  type ServiceDefinition,
  seconds,
  serviceUrl,
} from '@shared/env'

/** What the service is called, which database it owns and where it listens; readable without running it. */
export const productService = {
  service: 'product',
  database: 'product_db',
  port: 8002,
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
        'Whether what changes products and stock needs a session of auth. Unset: yes, but not with NODE_ENV=development.',
    },
  },
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(productService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(productService)
