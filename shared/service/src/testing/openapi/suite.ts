import { expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { ServiceApp } from '../../context/context.ts'
import { answerFindings, exampleFindings, readDocument, refusalFindings, routeFindings } from './findings.ts'

/** A service on a real database that has what the examples of its document refer to. */
export interface ApiDocumentOptions {
  service: () => { app: ServiceApp; healthToken: string }
  /** A token for each security scheme of the service's own. */
  tokens?: Record<string, string>
}

/**
 * Registers the tests that a service's document is OpenAPI 3.1, that it has every route, and that every operation, called
 * with its own examples, answers as documented.
 */
export function testApiDocument({ service, tokens = {} }: ApiDocumentOptions): void {
  const app = () => service().app
  const document = () => readDocument(app(), service().healthToken)

  test('the document is valid OpenAPI 3.1', async () => {
    const sent: Record<string, unknown> = { ...(await document()) }
    const { valid, errors } = await new Validator().validate(sent)
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
    expect(sent).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) })
  })

  test('the document has every route of the service, and no other', async () => {
    expect(routeFindings(app(), await document())).toEqual([])
  })

  test('every operation has a summary, and examples of its inputs and its answer that fit their schemas', async () => {
    expect(exampleFindings(await document())).toEqual([])
  })

  test('every operation, called with its own examples, answers as documented', async () => {
    const tokenFor = (scheme: string) => (scheme === 'healthToken' ? service().healthToken : tokens[scheme])
    expect(await answerFindings(app(), await document(), tokenFor)).toEqual([])
  }, 60_000)

  test('every operation with a token refuses to answer without one, as documented', async () => {
    expect(await refusalFindings(app(), await document())).toEqual([])
  })
}
