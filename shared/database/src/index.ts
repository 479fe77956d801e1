export type { Advice, AdviceCode } from './advice-situation.ts'
export { type Budget, checkBudget, describeBudget } from './budget.ts'
export { createDatabase } from './database.ts'
export type {
  Database,
  DatabaseOptions,
  TransactionOf,
  TransactionOptions,
  UsedConnection,
} from './database-api.ts'
export type { Deadline, DeadlineOwner, SpentOn, TimeLimit } from './deadline.ts'
export type { DrizzleClient } from './drizzle/client.ts'
export type { DrizzleDatabase, DrizzleModel, NoModel } from './drizzle/handle.ts'
export {
  CheckoutAbortedError,
  CheckoutTimeoutError,
  ConfigurationError,
  ConnectError,
  ConnectionLostError,
  causes,
  DatabaseError,
  type DatabaseErrorCode,
  findDatabaseError,
  LeaseEndedError,
  type LostOutcome,
  MigrationError,
  NestedCheckoutError,
  PoolClosedError,
  PoolSaturatedError,
  StatementTimeoutError,
  sqlState,
  WorkAbortedError,
} from './errors.ts'
export type { DatabaseHealth, HealthProbe } from './health.ts'
export { type HistogramSnapshot, quantileMs } from './histogram.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
export type { DatabaseEvent, DatabaseEventType, EventCounts } from './monitor.ts'
export type { PoolMonitor, Seen } from './monitor-pool.ts'
export type { ConnectionOptions, PoolOptions, SslMode } from './options.ts'
export type { Pooler } from './pooler.ts'
export { capacity, type Sample } from './sample.ts'
export type { Confinement, RunningStatement, ServerReport } from './server-report.ts'
export type { CloseReason, PoolCounters, PoolStatus, PoolTimings } from './status.ts'
export type { Bounds, WorkOptions } from './work.ts'
