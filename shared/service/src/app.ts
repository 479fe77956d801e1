import { OpenAPIHono } from '@hono/zod-openapi'
import { createMonitor } from '@shared/monitor'
import { requestId } from 'hono/request-id'
import { type ApiDocument, describeApi } from './api/document.ts'
import { indexRoute, serviceIndex } from './api/index-route.ts'
import { describeOperations } from './api/operations.ts'
import { problemSchema } from './api/problem-document.ts'
import { referencePage } from './api/reference-page.ts'
import type { ServiceApp, ServiceContext } from './context/context.ts'
import { createRequestCounts } from './context/requests.ts'
import { databaseBehind } from './health/database-behind.ts'
import { guardDetails } from './health/details-guard.ts'
import { healthRoutes } from './health/health-routes.ts'
import { allowOrigins, answerOptions, headContentLength, refuseMethod } from './http/allowed-methods.ts'
import { timeBody } from './http/body-time.ts'
import { boundWork, clientGone, isClientGone } from './http/bound-work.ts'
import { countRequests } from './http/count-requests.ts'
import { closeWhenDraining } from './http/draining.ts'
import { limitBody, requireJson, strictJson } from './http/json-body.ts'
import { requireOwnName } from './http/own-names.ts'
import { requestLog } from './http/request-log.ts'
import { apiHeaders } from './http/security-headers.ts'
import { silentLogger } from './log/logger.ts'
import { createMetrics } from './metrics/metrics.ts'
import { toProblem } from './problem/error-map.ts'
import { problemResponse, unknownAddress } from './problem/problem.ts'
import { refuseInvalid } from './problem/validation.ts'
import { followSlowRequests } from './trace/follow-slow-requests.ts'
import { traceRequests } from './trace/request-span.ts'

/** A service's name and version beside what `serve` hands to its `createApp`. */
export interface ServiceAppOptions extends ServiceContext {
  service: string
  version: string
  /** Longest request body in bytes. Default 100 KiB. */
  maxBodyBytes?: number
  /** Longest time in seconds in which a request body has to arrive; Bun counts in steps of 4 s. Default 15. */
  bodySeconds?: number
}

/**
 * Creates the app a service adds its routes to: request ids, traces, one log line a request, secure headers, CORS, OPTIONS, health
 * routes, an index at `/`, a bound on each request's database work, and RFC 9457 problem details for every error.
 *
 * Does no I/O. Routes that are added later take part in the index and in 405 answers.
 */
export function createServiceApp(options: ServiceAppOptions): ServiceApp {
  const { service, version, database, logger = silentLogger() } = options
  const { maxBodyBytes = 100 * 1024, bodySeconds = 15, requestTimeoutMs = 45_000 } = options
  const body = timeBody(bodySeconds, requestTimeoutMs)
  const app: ServiceApp = new OpenAPIHono({ defaultHook: refuseInvalid })

  const requests = options.requests ?? createRequestCounts()
  const monitor = options.monitor ?? createMonitor(database, { failures: () => requests.failed })
  const context = { ...options, requests, monitor }
  const metrics = createMetrics(service, context)

  app.onError(async (error, c) => {
    if (isClientGone(c, error)) return new Response(null, { status: clientGone })
    const behind = await databaseBehind(error, options)
    // What the log reads.
    if (behind !== null) c.error = behind
    return problemResponse(c, behind ?? toProblem(error))
  })
  app.notFound((c) => problemResponse(c, unknownAddress()))

  app.use(requestId())
  app.use(traceRequests())
  app.use(requestLog(logger, options.lifecycle))
  app.use(metrics.observe)
  app.use(countRequests(requests))
  app.use(followSlowRequests(options.slowRequests))
  app.use(apiHeaders())
  app.use(requireOwnName(options.names ?? null))
  app.use(closeWhenDraining(options.lifecycle))
  app.use(headContentLength)
  app.use(allowOrigins(options.corsOrigins ?? [], app))
  app.use(answerOptions(app))
  app.use(refuseMethod(app))
  app.use(boundWork(database, requestTimeoutMs))
  app.use(body.begin)
  app.use(limitBody(maxBodyBytes))
  app.use(requireJson)
  app.use(strictJson)
  app.use(body.end)

  app.openAPIRegistry.register('Problem', problemSchema)
  app.openapi(indexRoute, (c) => c.json(serviceIndex(app, service, version), 200))
  // Built at the first request for it: by then every route has been added.
  let document: ApiDocument | undefined
  app.get('/openapi.json', guardDetails(options.health), (c) => {
    document ??= describeApi(app, { service, version })
    return c.json(document)
  })
  app.route('/', referencePage(service, options.health))
  describeOperations(app, options.health)
  app.route('/', healthRoutes(service, context))
  app.route('/', metrics.routes)
  return app
}
