export { databaseOptions, type EnvironmentDatabaseOptions } from './database-options.ts'
export {
  type DocumentedVariable,
  renderExample,
  renderVariableTable,
  serviceVariables,
} from './documentation.ts'
export {
  configurationExitCode,
  EnvironmentError,
  type EnvironmentIssue,
  readOrExit,
} from './environment-error.ts'
export { boolean, integer, seconds, serviceUrl } from './fields.ts'
export { readFolderEnvironment } from './folder-environment.ts'
export { createMigrationEnv, type MigrationEnv } from './migration-env.ts'
export { Secret } from './secret.ts'
export { createServiceEnv, type EnvOptions, type ServiceEnv } from './service-env.ts'
export { suggest } from './suggest.ts'
export type { ServiceDefinition, VariableTable } from './variables.ts'
