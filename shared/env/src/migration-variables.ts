import { directVariables, targetVariables } from './database-variables.ts'
import { identifier, secret } from './fields.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

/** The login that changes tables; a running service ignores it. */
export function migratorVariables({ service }: ServiceDefinition) {
  return {
    MIGRATION_USER: {
      schema: identifier(),
      required: true,
      example: `${service}_migrator`,
      description: 'The role db:migrate logs in with; it changes tables. The running service ignores it.',
    },
    MIGRATION_PASSWORD: {
      schema: secret(),
      required: true,
      secret: true,
      example: 'change-me',
      description: 'Its password.',
    },
  } as const satisfies VariableTable
}

/** Every variable migrating and provisioning read: where the database is, and the migrator's login. */
export function migrationTable(definition: ServiceDefinition) {
  return {
    ...targetVariables(definition),
    ...directVariables(definition),
    ...migratorVariables(definition),
  } as const satisfies VariableTable
}
