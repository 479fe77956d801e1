import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { serviceIndex } from '../../api/index-route.ts'
import type { ServiceApp } from '../../context/context.ts'
import {
  escaped,
  missingExamples,
  type Operation,
  operationsOf,
  requestOf,
  type SentDocument,
  successOf,
} from './operations.ts'

/** Addresses that are for people and programs that read the document. */
const aboutTheDocument = ['/openapi.json', '/docs', '/docs/:file']

/** Reads an app's document as a client does that has the token. */
export async function readDocument(app: ServiceApp, healthToken = ''): Promise<SentDocument> {
  const headers = { Authorization: `Bearer ${healthToken}` }
  return (await (await app.request('/openapi.json', { headers })).json()) as SentDocument
}

/** Routes that are served and not documented, or the other way round. */
export function routeFindings(app: ServiceApp, document: SentDocument): string[] {
  const documented = operationsOf(document).map(({ name }) => name)
  const served = serviceIndex(app, '', '')
    .routes.filter(({ path }) => !aboutTheDocument.includes(path))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  return [
    ...served.filter((name) => !documented.includes(name)).map((name) => `${name} is not documented`),
    ...documented.filter((name) => !served.includes(name)).map((name) => `${name} is not served`),
  ]
}

/** Examples that are missing, or are not what their schema allows. */
export function exampleFindings(document: SentDocument): string[] {
  const check = createChecks(document)
  return operationsOf(document).flatMap((operation) => [
    ...missingExamples(operation),
    ...Object.entries(operation.body?.media ?? {}).flatMap(([type, { example }]) =>
      check(`${operation.pointer}/requestBody/content/${escaped(type)}/schema`, example),
    ),
    ...Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
      Object.entries(content)
        .filter(([, { example }]) => example !== undefined)
        .flatMap(([type, { example }]) => check(answerPointer(operation, status, type), example)),
    ),
  ])
}

/**
 * Calls every operation with its own examples, and reports how the answers differ from what is documented.
 *
 * @param tokenFor The token of a security scheme.
 */
export async function answerFindings(
  app: ServiceApp,
  document: SentDocument,
  tokenFor: (scheme: string) => string | undefined,
): Promise<string[]> {
  const check = createChecks(document)
  const findings: string[] = []
  for (const operation of operationsOf(document)) {
    const token = operation.scheme === null ? undefined : tokenFor(operation.scheme)
    const { path, init } = requestOf(operation, token)
    findings.push(...(await differences(operation, await app.request(path, init), check)))
  }
  return findings
}

/** Calls every operation that needs a token without one: each must be refused as documented. */
export async function refusalFindings(app: ServiceApp, document: SentDocument): Promise<string[]> {
  const check = createChecks(document)
  const findings: string[] = []
  for (const operation of operationsOf(document).filter(({ scheme }) => scheme !== null)) {
    const { path, init } = requestOf(operation)
    findings.push(...(await differences(operation, await app.request(path, init), check, '401')))
  }
  return findings
}

type Check = (pointer: string, value: unknown) => string[]

/** Compiles the schemas of a document where they are, so that their references mean what they mean there. */
function createChecks(document: SentDocument): Check {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  return (pointer, value) => {
    const validate = ajv.getSchema(`api#${pointer}`)
    if (validate === undefined) return [`there is no schema at ${pointer}`]
    if (validate(value)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message }) => `${pointer}: ${instancePath} ${message}`,
    )
  }
}

/** How an answer differs from what its operation documents for a status. */
async function differences(
  operation: Operation,
  response: Response,
  check: Check,
  expected = successOf(operation),
): Promise<string[]> {
  const { name, responses } = operation
  const text = await response.text()
  if (String(response.status) !== expected)
    return [`${name}: ${response.status} instead of ${expected}: ${text}`]
  const { headers = {}, content = {} } = responses[expected] ?? {}
  const lacking = Object.entries(headers)
    .filter(([header, { required }]) => required === true && !response.headers.has(header))
    .map(([header]) => `${name}: no ${header}`)
  const type = response.headers.get('Content-Type')?.split(';')[0] ?? ''
  if (Object.keys(content).length === 0) return text === '' ? lacking : [...lacking, `${name}: has a body`]
  const documented = Object.keys(content).find((candidate) => candidate.split(';')[0] === type)
  if (documented === undefined) return [...lacking, `${name}: is ${type}`]
  const value = type.endsWith('json') ? JSON.parse(text) : text
  return [...lacking, ...check(answerPointer(operation, expected, documented), value)]
}

function answerPointer({ pointer }: Operation, status: string, type: string): string {
  return `${pointer}/responses/${status}/content/${escaped(type)}/schema`
}
