export type { ApiDocument } from './api/document.ts'
export { problems } from './api/problem-document.ts'
export type { ServiceAppOptions } from './app.ts'
export { createServiceApp } from './app.ts'
export type { HealthAccess, ServiceApp, ServiceContext, ServiceDatabase } from './context/context.ts'
export type { EventLoopLag, EventLoopMonitor } from './context/event-loop.ts'
export { watchEventLoop } from './context/event-loop.ts'
export type { Lifecycle, LifecycleState } from './context/lifecycle.ts'
export { createLifecycle } from './context/lifecycle.ts'
export type { HealthReport, HealthStatus } from './health/health-report.ts'
export { clientAddress } from './http/client-address.ts'
export {
  conditionalGet,
  etagHeader,
  etagOf,
  ifMatchHeaders,
  ifNoneMatchHeaders,
  notModified,
  preconditionFailed,
  wantedVersions,
} from './http/entity-tag.ts'
export { readText } from './http/read-text.ts'
export type { IdempotencyOptions, Once } from './idempotency/idempotency.ts'
export { createIdempotency, idempotencyHeaders, keyReused } from './idempotency/idempotency.ts'
export type { ErrorDescription } from './log/describe-error.ts'
export { describeError } from './log/describe-error.ts'
export type { Logger, LoggerOptions } from './log/logger.ts'
export { createLogger, silentLogger } from './log/logger.ts'
export { toProblem } from './problem/error-map.ts'
export type { FieldError, ProblemOptions } from './problem/problem.ts'
export { conflict, notFound, Problem } from './problem/problem.ts'
export { invalidRequest, validate } from './problem/validation.ts'
export type { ServeEnv, ServeOptions } from './serve/serve.ts'
export { serve } from './serve/serve.ts'

export type { SessionVariables } from './sessions/require-session.ts'
export { describeSession, requireSession, sessionUnavailable } from './sessions/require-session.ts'
export type { Session, SessionClient, SessionClientOptions, SessionEnv } from './sessions/session-client.ts'
export { createSessionClient, sessionsOf } from './sessions/session-client.ts'

export { tracedFetch } from './trace/traced-fetch.ts'
