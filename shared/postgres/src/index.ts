export {
  LocalPostgresError,
  type LocalPostgresErrorCode,
  ProvisionError,
  type ProvisionErrorCode,
} from './errors.ts'
export { type FoundPostgres, findPostgres, stopPostgres } from './server/find-postgres.ts'
export { type LocalPostgres, type StartOptions, startPostgres } from './server/local-postgres.ts'
export { defaultDataRoot } from './server/place.ts'
export type { Lifetime } from './server/running-server.ts'
export type { StopOptions } from './server/server-process.ts'
