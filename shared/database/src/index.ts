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
export type { CeilingStatus } from './connection/ceiling/shared-ceiling.ts'
export { type DatabaseTarget, formatDatabaseUrl } from './connection/connection-string/format.ts'
export {
  type HostLists,
  hostList,
  joinHosts,
  portList,
  readHosts,
  readPorts,
} from './connection/connection-string/hosts.ts'
export { connectionStringKeywords, parseConnectionString } from './connection/connection-string/parse.ts'
export type { ConnectionStringParts } from './connection/connection-string/said.ts'
export { type Host, type Hosts, hostName, isHost, isPlainText, isSocketName } from './connection/host.ts'
export { describeHost, type HostState, type PrimaryChange } from './connection/hosts/host-watch.ts'
export { type TlsOptions, tlsContradiction } from './connection/network/tls-settings.ts'
export type { Notice, OnNotice } from './connection/notice.ts'
export type { Pooler } from './connection/pooler.ts'
export type { ServerRole } from './connection/server-role.ts'
export type { SessionSettings } from './connection/session-settings.ts'
export type { SqlConnection } from './connection/sql-connection.ts'
export type { TypeCodec, TypeCodecs } from './connection/type-codecs.ts'
export { createDatabase } from './database.ts'
export type {
  Database,
  DatabaseOptions,
  GivenConnection,
  ReplicaStatus,
  UsedConnection,
} from './database-api.ts'
export type { DrizzleClient } from './drizzle/client.ts'
export type { DrizzleOptions } from './drizzle/config.ts'
export type { CopySource, CopyTarget } from './drizzle/copy-text.ts'
export type { DrizzleDatabase, DrizzleModel, NoModel, TransactionOf } from './drizzle/handle.ts'
export type { StreamedQuery, StreamedRow } from './drizzle/streamed-query.ts'
export {
  ConnectionLostError,
  causes,
  type DatabaseErrorCode,
  errorCode,
  findDatabaseError,
  LeaseEndedError,
  type LostOutcome,
  MigrationError,
  PoolerModeError,
  StreamIdleError,
  sqlState,
} from './errors.ts'
export type { DatabaseEvent, DatabaseEventType, EventCounts } from './event-log.ts'
export type { Hook, HookConnection, HookOptions } from './hooks/hooks.ts'
export { type BaselineOptions, type BaselineResult, baseline } from './migrate/baseline.ts'
export { type MigrationJournal, pendingMigrations } from './migrate/journal.ts'
export { type MigrateOptions, migrate } from './migrate/migrate.ts'
export { type MigrationState, type MigrationStatus, migrationStatus } from './migrate/status.ts'
export {
  type ConnectionOptions,
  connectionOptions,
  optionGroups,
  type ReplicaOptions,
  replicaOptions,
  type SslMode,
} from './options.ts'
export type { ReadCounters } from './replicas/reads.ts'
export type { ReplicasOptions } from './replicas/replicas.ts'
export type { Bounds, WorkOptions } from './session/work.ts'
export type { MessageChannelOf, OperationChannels, OperationListeners } from './tracing/channel-types.ts'
export { channelPrefix, channels } from './tracing/channels.ts'
export type { CommentOptions, CommentTags } from './tracing/comments.ts'
export {
  describeFailedStatement,
  describeFailedStatementInFull,
  type FailedStatement,
  type FailedStatementInFull,
} from './tracing/failed-statement.ts'
export { leftOut, limitText } from './tracing/limit-text.ts'
export type {
  CheckoutMessage,
  ConnectMessage,
  FailoverMessage,
  TracedOperation,
  TransactionMessage,
} from './tracing/messages.ts'
export type { StatementMessage } from './tracing/statement-message.ts'
export type { CopyInput } from './uses/copy/copy-in.ts'
export type { CopyFormat, CopyOptions } from './uses/copy/copy-options.ts'
export { encodeCopyRows } from './uses/copy/encode-rows.ts'
export type { ListenOptions, Subscription } from './uses/listen/listening.ts'
export type { Settings } from './uses/settings/settings.ts'
export type { StreamOptions } from './uses/stream/stream.ts'
export type { DatabaseUses, SessionOptions, TransactionOptions } from './uses/uses-api.ts'
