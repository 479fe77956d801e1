import { OpenAPIHono } from '@hono/zod-openapi'
import { createMonitor } from '@shared/monitor'
import { requestId } from 'hono/request-id'
import { type ApiDocument, describeApi } from './api/document.ts'
import { indexRoute, serviceIndex } from './api/index-route.ts'
import { describeOperations } from './api/operations.ts'
import { problemSchema } from './api/problem-document.ts'
import { referencePage } from './api/reference-page.ts'
import type { ServiceApp, ServiceContext } from './context/context.ts'
import { guardDetails } from './health/details-guard.ts'
import { healthRoutes } from './health/health-routes.ts'
import { allowOrigins, answerOptions, headContentLength, refuseMethod } from './http/allowed-methods.ts'
import { boundWork, clientGone, isClientGone } from './http/bound-work.ts'
import { closeWhenDraining } from './http/draining.ts'
import { limitBody, requireJson, strictJson } from './http/json-body.ts'
import { requestLog } from './http/request-log.ts'
import { apiHeaders } from './http/security-headers.ts'
import { silentLogger } from './log/logger.ts'
import { createMetrics } from './metrics/metrics.ts'
import { toProblem } from './problem/error-map.ts'
import { problemResponse, unknownAddress } from './problem/problem.ts'
import { refuseInvalid } from './problem/validation.ts'

/** A service's name and version beside what `serve` hands to its `createApp`. */
export interface ServiceAppOptions extends ServiceContext {
  service: string
  version: string
  /** Longest request body in bytes. Default 100 KiB. */
  maxBodyBytes?: number
}

/**
 * Creates the app a service adds its routes to: request ids, one log line a request, secure headers, CORS, OPTIONS, health
 * routes, an index at `/`, a bound on each request's database work, and RFC 9457 problem details for every error.
 *
 * Does no I/O. Routes that are added later take part in the index and in 405 answers.
 */
export function createServiceApp(options: ServiceAppOptions): ServiceApp {
  const { service, version, database, logger = silentLogger() } = options
  const { maxBodyBytes = 100 * 1024, requestTimeoutMs = 45_000 } = options
  const app: ServiceApp = new OpenAPIHono({ defaultHook: refuseInvalid })

  const context = { ...options, monitor: options.monitor ?? createMonitor(database) }
  const metrics = createMetrics(service, context)

  app.onError((error, c) =>
    isClientGone(c, error)
      ? new Response(null, { status: clientGone })
      : problemResponse(c, toProblem(error)),
  )
  app.notFound((c) => problemResponse(c, unknownAddress()))

  app.use(requestId())
  app.use(requestLog(logger))
  app.use(metrics.observe)
  app.use(apiHeaders())
  app.use(closeWhenDraining(options.lifecycle))
  app.use(headContentLength)
  app.use(allowOrigins(options.corsOrigins ?? [], app))
  app.use(answerOptions(app))
  app.use(refuseMethod(app))
  app.use(boundWork(database, requestTimeoutMs))
  app.use(limitBody(maxBodyBytes))
  app.use(requireJson)
  app.use(strictJson)

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
