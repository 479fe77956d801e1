/** What the tests read of an operation of an OpenAPI document. */
export interface Operation {
  /** `GET /things/{id}` */
  name: string
  summary: string | undefined
  method: string
  path: string
  /** Where it is in the document, as a JSON pointer. */
  pointer: string
  /** The security scheme whose token it needs. */
  scheme: string | null
  parameters: readonly Parameter[]
  body: { required: boolean; media: Record<string, Media> } | null
  /** By status. */
  responses: Record<string, ApiResponse>
}

/** A parameter in a path, a query or a header. */
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  example?: unknown
  schema?: { example?: unknown }
}

/** What a body may be, by its content type. */
export interface Media {
  schema?: unknown
  example?: unknown
}

/** One answer of an operation. */
export interface ApiResponse {
  description: string
  headers?: Record<string, { required?: boolean }>
  content?: Record<string, Media>
}

/** An OpenAPI document as it was sent. */
export interface SentDocument {
  paths: Record<string, Record<string, SentOperation>>
}

interface SentOperation {
  summary?: string
  security?: Record<string, unknown>[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, Media> }
  responses: Record<string, ApiResponse>
}

// What deletes what others need comes last.
const order = ['get', 'put', 'post', 'patch', 'delete']

/** Every operation of a document, in an order in which they can be called one after the other. */
export function operationsOf({ paths }: SentDocument): Operation[] {
  return order.flatMap((method) =>
    Object.entries(paths).flatMap(([path, operations]) => {
      const sent = operations[method]
      return sent === undefined ? [] : [operation(method, path, sent)]
    }),
  )
}

function operation(method: string, path: string, sent: SentOperation): Operation {
  const { summary, security = [], parameters = [], requestBody, responses } = sent
  return {
    name: `${method.toUpperCase()} ${path}`,
    summary,
    method: method.toUpperCase(),
    path,
    pointer: `/paths/${escaped(path)}/${method}`,
    scheme: Object.keys(security[0] ?? {})[0] ?? null,
    parameters,
    body: requestBody ? { required: requestBody.required ?? false, media: requestBody.content } : null,
    responses,
  }
}

/** A name as a step of a JSON pointer in the fragment of a URL. */
export function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}

/** The status that an operation answers with when all goes well. */
export function successOf({ name, responses }: Operation): string {
  const status = Object.keys(responses).find((candidate) => candidate.startsWith('2'))
  if (status === undefined) throw new Error(`${name} documents no success`)
  return status
}

/** The example of a parameter, wherever it is given. */
export function exampleOf(parameter: Parameter): unknown {
  return parameter.example ?? parameter.schema?.example
}

/** What an operation lacks to be called and understood without further help. */
export function missingExamples(operation: Operation): string[] {
  const { name, summary, parameters, body, responses } = operation
  const bodies = Object.entries(body?.media ?? {}).map(
    ([type, media]) => [`the body ${type}`, media] as const,
  )
  const answers = Object.entries(responses[successOf(operation)]?.content ?? {}).map(
    ([type, media]) => [`the answer ${type}`, media] as const,
  )
  return [
    ...(summary === undefined ? [`${name} has no summary`] : []),
    ...parameters
      .filter((parameter) => parameter.in === 'path' || parameter.required === true)
      .filter((parameter) => exampleOf(parameter) === undefined)
      .map((parameter) => `${name} has no example of ${parameter.name}`),
    ...[...bodies, ...answers]
      .filter(([, media]) => media.example === undefined)
      .map(([what]) => `${name} has no example of ${what}`),
  ]
}

/** The request that an operation's own examples make. */
export function requestOf(operation: Operation, token?: string) {
  const { method, path, parameters, body } = operation
  const given = (place: Parameter['in']) =>
    parameters
      .filter((parameter) => parameter.in === place && exampleOf(parameter) !== undefined)
      .map((parameter) => [parameter.name, String(exampleOf(parameter))] as const)
  const query = new URLSearchParams(Object.fromEntries(given('query'))).toString()
  const filled = given('path').reduce(
    (address, [name, value]) => address.replace(`{${name}}`, encodeURIComponent(value)),
    path,
  )
  const [type, media] = Object.entries(body?.media ?? {})[0] ?? []
  const headers: Record<string, string> = Object.fromEntries(given('header'))
  if (type !== undefined) headers['Content-Type'] = type
  if (token !== undefined) headers.Authorization = `Bearer ${token}`
  return {
    path: query === '' ? filled : `${filled}?${query}`,
    init: { method, headers, ...(media && { body: JSON.stringify(media.example) }) },
  }
}
