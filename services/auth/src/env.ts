import { createMigrationEnv, createServiceEnv, integer, type ServiceDefinition } from '@shared/env'

/** What the service is called, which database it owns and where it listens; readable without running it. */
export const authService = {
  service: 'auth',
  database: 'auth_db',
  port: 8001,
  variables: {
    TRUSTED_PROXIES: {
      schema: integer({ min: 0, max: 10 }),
      default: '0',
      description:
        'Proxies of yours before the service, each of which adds the address of its client to X-Forwarded-For; limits of sign-ins go by it. 0: the header is ignored, as any client may send it. Set it behind a proxy: else all clients have one address.',
    },
  },
} as const satisfies ServiceDefinition

/** Reads the service's environment. @throws {EnvironmentError} Everything that is wrong with it. */
export const createEnv = () => createServiceEnv(authService)

/** Reads what migrating its database needs. @throws {EnvironmentError} Everything that is wrong with it. */
export const createMigrationsEnv = () => createMigrationEnv(authService)
