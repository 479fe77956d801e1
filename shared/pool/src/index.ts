export type { Deadline, DeadlineOwner, SpentOn, TimeLimit } from './deadline.ts'
export { describeLimit } from './deadline.ts'
export { type Deferred, deferred } from './deferred.ts'
export type { CheckoutOptions } from './dispatcher.ts'
export {
  CheckoutAbortedError,
  CheckoutTimeoutError,
  ConfigurationError,
  ConnectError,
  DatabaseError,
  NestedCheckoutError,
  NoRoomError,
  PoolClosedError,
  PoolSaturatedError,
  StatementTimeoutError,
  WorkAbortedError,
} from './errors.ts'
export { Histogram, type HistogramSnapshot, quantileMs } from './histogram.ts'
export { callSite, type ExclusiveLease, programLine, type SharedLease } from './lease.ts'
export {
  boolean,
  type Check,
  checkOf,
  choice,
  integer,
  type Option,
  type OptionGroups,
  type OptionsOf,
  type OptionTable,
  refuseUnknownNames,
  resolveOptions,
  shownValue,
  time,
  wrongOption,
} from './option-table.ts'
export { type PoolOptions, poolOptions, type ResetMode, resolvePoolOptions } from './pool-options.ts'
export { QueuePool, type QueuePoolOptions } from './queue-pool.ts'
export type { CallSite, Connector, LeaseKind, PoolConnection } from './slot.ts'
export {
  type CloseReason,
  createCounters,
  type PoolCounters,
  type PoolEventType,
  type PoolStatus,
  type PoolTimings,
} from './status.ts'
export { bounded, longestTimerMs, startTimer } from './timer.ts'
