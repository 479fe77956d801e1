import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ServiceApp } from '../context/context.ts'
import { operationsTag } from './operations.ts'
import { problems } from './problem-document.ts'

/** An OpenAPI 3.1 document. */
export type ApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

type Operation = {
  tags?: string[]
  requestBody?: unknown
  parameters?: unknown[]
  responses: Record<string, unknown>
}

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const

/** What the middleware before all routes may answer. */
const everywhere = problems({ 500: ['internal'] })
const withDatabase = problems({ 503: ['database-unavailable', 'database-busy', 'request-timeout'] })
const withInput = problems({ 400: ['invalid-request'] })
const withBody = problems({
  400: ['invalid-request', 'malformed-json'],
  413: ['body-too-large'],
  415: ['unsupported-media-type'],
})

/** Describes every route that was added with its schemas: the same that its requests are validated with. */
export function describeApi(
  app: ServiceApp,
  { service, version }: { service: string; version: string },
): ApiDocument {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: `${service} service`,
      version,
      description:
        'Bodies are JSON. Every error is a problem document (RFC 9457) with a stable `code`; ' +
        'a 503 may be retried after `Retry-After` seconds.',
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
    },
  })
  const operations = operationsOf(document)
  for (const operation of operations) addCommonResponses(operation)
  const tags = new Set(operations.flatMap(({ tags = [] }) => tags))
  tags.delete(operationsTag)
  // The service's own routes come first.
  return { ...document, tags: [...tags, operationsTag].map((name) => ({ name })) }
}

function operationsOf({ paths = {} }: ApiDocument): Operation[] {
  return Object.values(paths).flatMap((path) =>
    methods.flatMap((method) => (path[method] as Operation) ?? []),
  )
}

function addCommonResponses(operation: Operation): void {
  const { tags = [], requestBody, parameters = [], responses } = operation
  const common = {
    ...everywhere,
    ...(!tags.includes(operationsTag) && withDatabase),
    ...(parameters.length > 0 && withInput),
    ...(requestBody !== undefined && withBody),
  }
  for (const [status, { description }] of Object.entries(common)) {
    responses[status] ??= {
      description,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
}
