// The app a service adds its routes to

export type { ServiceApp, ServiceAppOptions } from './app.ts'
export { createServiceApp } from './app.ts'
export type { HealthAccess, ServiceContext, ServiceDatabase } from './context.ts'
export type { ErrorDescription } from './describe-error.ts'
export { describeError } from './describe-error.ts'
export { toProblem } from './error-map.ts'
export type { EventLoopLag, EventLoopMonitor } from './event-loop.ts'
export { watchEventLoop } from './event-loop.ts'
// Health
export type { HealthReport, HealthStatus } from './health-report.ts'
export type { Lifecycle, LifecycleState } from './lifecycle.ts'
export { createLifecycle } from './lifecycle.ts'
export type { Logger, LoggerOptions } from './logger.ts'
// Logs
export { createLogger, silentLogger } from './logger.ts'
export type { FieldError, ProblemOptions } from './problem.ts'
export { conflict, notFound, Problem } from './problem.ts'
export type { ServeEnv, ServeOptions } from './serve.ts'
// Running it
export { serve } from './serve.ts'
// Routes: validation and answers other than success
export { invalidRequest, validate } from './validation.ts'
