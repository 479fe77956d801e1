import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ServiceApp } from '../context/context.ts'
import { writtenUntilHeader } from '../http/written-until.ts'
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
type Answer = { headers?: Record<string, unknown> }

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

const mark = { type: 'string', maxLength: 256, example: 'auth_db:0/1A2B3C8' } as const
const wishParameter = {
  name: writtenUntilHeader,
  in: 'header',
  required: false,
  schema: mark,
  description:
    'What an earlier answer of this service had in its header of this name: then this request sees what that one wrote, ' +
    'also where it reads from a standby. Anything else is ignored.',
}
const writtenHeader = {
  required: false,
  schema: mark,
  description: 'Where the database has standbys and the request has written: send it back to see that.',
}

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
  for (const operation of operations) {
    addCommonResponses(operation)
    addWrittenUntil(operation)
  }
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

/** Every route that uses the database reads what its client has written, and says what it has written itself. */
function addWrittenUntil(operation: Operation): void {
  if (operation.tags?.includes(operationsTag)) return
  operation.parameters = [...(operation.parameters ?? []), wishParameter]
  for (const [status, answer] of Object.entries(operation.responses as Record<string, Answer>))
    if (status.startsWith('2')) answer.headers = { ...answer.headers, [writtenUntilHeader]: writtenHeader }
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
