import { connectionOptions, poolOptions } from '@shared/database'
import { z } from 'zod'
import { readDatabaseUrl } from './database-url.ts'
import { boolean, host, identifier, integer, secret } from './fields.ts'
import { optionVariables } from './option-variables.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

const databaseUrl = z.string().transform((value, context) => {
  const result = readDatabaseUrl(value)
  if ('parts' in result) return result.parts
  for (const message of result.problems) context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Where the database is. `resolveTarget` joins the URL and the parts, so what is required here depends on both. */
export function targetVariables({ service, database }: ServiceDefinition) {
  const { DATABASE_SSL_MODE, DATABASE_SSL_ROOT_CERT, DATABASE_CONNECT_TIMEOUT } =
    optionVariables(connectionOptions)
  return {
    DATABASE_URL: {
      schema: databaseUrl,
      example: `postgresql://${service}_app:change-me@127.0.0.1:5432/${database}`,
      secret: true,
      description:
        'The whole address. It may leave out what DATABASE_HOST, _PORT, _NAME, _USER and _PASSWORD say; where both say something they must agree. The only query parameter is sslmode.',
    },
    DATABASE_HOST: {
      schema: host(),
      example: '127.0.0.1',
      required: true,
      description: 'One host name or IP address.',
    },
    DATABASE_PORT: { schema: integer({ min: 1, max: 65_535 }), default: '5432', description: 'TCP port.' },
    DATABASE_NAME: {
      schema: identifier(),
      example: database,
      required: true,
      description: 'The database this service owns; any other name is refused.',
    },
    DATABASE_USER: {
      schema: identifier(),
      example: `${service}_app`,
      required: true,
      description: 'The runtime role: reads and writes rows, changes no tables.',
    },
    DATABASE_PASSWORD: {
      schema: secret(),
      example: 'change-me',
      required: true,
      secret: true,
      description: 'Its password, as it is (percent-encoding is for the URL only).',
    },
    DATABASE_NAME_CHECK: {
      schema: boolean(),
      default: 'true',
      description: 'false lets the service use a database of another name.',
    },
    DATABASE_SSL_MODE,
    DATABASE_SSL_ROOT_CERT,
    DATABASE_CONNECT_TIMEOUT,
  } as const satisfies VariableTable
}

/** How the pool and its connections behave: every option that a database has, and how many processes share the server. */
export function optionsVariables({ service }: ServiceDefinition) {
  const connection = optionVariables(connectionOptions)
  return {
    ...optionVariables(poolOptions),
    ...connection,
    DATABASE_APPLICATION_NAME: { ...connection.DATABASE_APPLICATION_NAME, default: service },
    DATABASE_REPLICAS: {
      schema: integer({ min: 1, max: 100_000 }),
      default: '1',
      description:
        'Processes of this service that share the server: what they may all open together is compared with its limits.',
    },
  } as const satisfies VariableTable
}
