import { expect, test } from 'bun:test'
import { definition, errorOf, parts } from '../test/environments.ts'
import { renderExample, serviceVariables } from './documentation.ts'
import { seconds, secret, serviceUrl } from './fields.ts'
import { createServiceEnv } from './service-env.ts'

const shop = {
  ...definition,
  variables: {
    PRODUCT_URL: {
      schema: serviceUrl(),
      required: true,
      example: 'http://product:8002',
      description: 'Where products are.',
    },
    PRODUCT_TIMEOUT: { schema: seconds({ min: 0.001 }), default: '2', description: 'Seconds to answer.' },
    PRODUCT_TOKEN: { schema: secret(), secret: true, example: 'change-me', description: 'What to send.' },
  },
} as const

const read = (environment: Record<string, string | undefined>) =>
  createServiceEnv({ ...shop, environment: { ...parts, ...environment } })

test("a service's own variables are read with the common ones", () => {
  const { PRODUCT_URL, PRODUCT_TIMEOUT, PRODUCT_TOKEN, PORT } = read({ PRODUCT_URL: 'http://product:8002/' })
  expect({ PRODUCT_URL, PRODUCT_TIMEOUT, PRODUCT_TOKEN, PORT }).toEqual({
    PRODUCT_URL: 'http://product:8002',
    PRODUCT_TIMEOUT: 2,
    PRODUCT_TOKEN: undefined,
    PORT: 8001,
  })
})

test('a secret of its own does not print', () => {
  const env = read({ PRODUCT_URL: 'http://product', PRODUCT_TOKEN: 'canary' })
  expect(env.PRODUCT_TOKEN?.reveal()).toBe('canary')
  expect(Bun.inspect(env)).not.toContain('canary')
})

test('what is missing or wrong is reported with everything else', () => {
  const issues = (environment: Record<string, string | undefined>) =>
    errorOf(() => read(environment)).issues.map(({ variable, message }) => `${variable} ${message}`)
  expect(issues({ PORT: 'x' })).toEqual([expect.stringMatching(/^PORT must be/), 'PRODUCT_URL is required'])
  expect(issues({ PRODUCT_URL: 'nowhere', PRODUCT_TIMEOUT: 'soon' })).toEqual([
    expect.stringMatching(/^PRODUCT_URL must be an http/),
    expect.stringMatching(/^PRODUCT_TIMEOUT must be seconds/),
  ])
})

test('what platforms add for a service of that name is no error', () => {
  expect(() => read({ PRODUCT_URL: 'http://product', PRODUCT_PORT: 'tcp://10.0.0.7:8002' })).not.toThrow()
})

test("the example and the list of variables name them, and another service's do not", () => {
  expect(renderExample(shop)).toContain('# Required. Where products are.\nPRODUCT_URL=http://product:8002\n')
  expect(renderExample(shop)).toContain('\nPRODUCT_TIMEOUT=2\n')
  expect(serviceVariables(shop).map(({ name }) => name)).toContain('PRODUCT_TOKEN')
  expect(renderExample(definition)).not.toContain('PRODUCT_')
})
