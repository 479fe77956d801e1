export {
  CheckoutAbortedError,
  CheckoutTimeoutError,
  type CloseReason,
  ConfigurationError,
  ConnectError,
  DatabaseError,
  type Deadline,
  type DeadlineOwner,
  type HistogramSnapshot,
  NestedCheckoutError,
  type Option,
  type OptionsOf,
  type OptionTable,
  PoolClosedError,
  type PoolCounters,
  type PoolOptions,
  PoolSaturatedError,
  type PoolStatus,
  type PoolTimings,
  poolOptions,
  quantileMs,
  type SpentOn,
  StatementTimeoutError,
  type TimeLimit,
  WorkAbortedError,
} from '@shared/pool'
export {
  type DatabaseTarget,
  type DatabaseUrlParts,
  formatDatabaseUrl,
  isHost,
  isPlainText,
  parseDatabaseUrl,
} from './connection/database-url.ts'
export type { Pooler } from './connection/pooler.ts'
export type { SqlConnection } from './connection/sql-connection.ts'
export { createDatabase } from './database.ts'
export type {
  Database,
  DatabaseOptions,
  TransactionOf,
  TransactionOptions,
  UsedConnection,
} from './database-api.ts'
export type { DrizzleClient } from './drizzle/client.ts'
export type { DrizzleDatabase, DrizzleModel, NoModel } from './drizzle/handle.ts'
export {
  ConnectionLostError,
  causes,
  type DatabaseErrorCode,
  findDatabaseError,
  LeaseEndedError,
  type LostOutcome,
  MigrationError,
  sqlState,
} from './errors.ts'
export { type DatabaseEvent, type DatabaseEventType, type EventCounts, errorCode } from './event-log.ts'
export { type MigrateOptions, migrate } from './migrate/migrate.ts'
export { type ConnectionOptions, connectionOptions, optionGroups, type SslMode } from './options.ts'
export type { Bounds, WorkOptions } from './session/work.ts'
