import { connectionOptions, parseConnectionString, poolOptions, replicaOptions } from '@shared/database'
import { z } from 'zod'
import { boolean, hosts, identifier, integer, ports, secret } from './fields.ts'
import { optionVariables } from './option-variables.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

/** A connection string, taken apart. */
export const databaseUrl = z.string().transform((value, context) => {
  const result = parseConnectionString(value)
  if ('parts' in result) return result.parts
  for (const message of result.problems) context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Where the database is. `resolveTarget` joins the URL and the parts, so what is required here depends on both. */
export function targetVariables({ service, database }: ServiceDefinition) {
  const connection = optionVariables(connectionOptions)
  return {
    DATABASE_URL: {
      schema: databaseUrl,
      example: `postgresql://${service}_app:change-me@127.0.0.1:5432/${database}`,
      secret: true,
      description:
        'The whole address, as any connection string of libpq’s: postgresql://… or keyword=value pairs. It may leave out what DATABASE_HOST, _PORT, _NAME, _USER and _PASSWORD say; where both say something, options included, they must agree.',
    },
    DATABASE_HOST: {
      schema: hosts(),
      example: '127.0.0.1',
      required: true,
      description:
        'Host name or IP address, or the folder of a Unix socket. Several of one cluster are separated by commas.',
    },
    DATABASE_PORT: {
      schema: ports(),
      default: '5432',
      description: 'TCP port; of several hosts one for all, or one for each, separated by commas.',
    },
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
      description:
        'Its password, as it is (percent-encoding is for the URL only). Not required with DATABASE_PASSFILE or DATABASE_SSL_CERT, nor over a Unix socket.',
    },
    DATABASE_NAME_CHECK: {
      schema: boolean(),
      default: 'true',
      description: 'false lets the service use a database of another name.',
    },
    DATABASE_SSL_MODE: connection.DATABASE_SSL_MODE,
    DATABASE_SSL_ROOT_CERT: connection.DATABASE_SSL_ROOT_CERT,
    DATABASE_SSL_CERT: connection.DATABASE_SSL_CERT,
    DATABASE_SSL_KEY: connection.DATABASE_SSL_KEY,
    DATABASE_SSL_NEGOTIATION: connection.DATABASE_SSL_NEGOTIATION,
    DATABASE_CHANNEL_BINDING: connection.DATABASE_CHANNEL_BINDING,
    DATABASE_PASSFILE: connection.DATABASE_PASSFILE,
    DATABASE_CONNECT_TIMEOUT: connection.DATABASE_CONNECT_TIMEOUT,
  } as const satisfies VariableTable
}

/** Where the server itself is, past a pooler. */
export function directVariables({ database }: ServiceDefinition) {
  return {
    DATABASE_DIRECT_URL: {
      schema: databaseUrl,
      secret: true,
      example: `postgresql://127.0.0.1:5432/${database}`,
      description:
        'Address of the server itself, for db:migrate and listen(), where DATABASE_URL or DATABASE_HOST leads through a pooler in transaction mode. What it leaves out, the port apart, is as there. Leave the login out: db:migrate logs in as MIGRATION_USER, the service as itself.',
    },
  } as const satisfies VariableTable
}

/** How the pool and its connections behave: every option that a database has, and how many processes share the server. */
export function optionsVariables({ service, database }: ServiceDefinition) {
  const connection = optionVariables(connectionOptions)
  return {
    ...optionVariables(poolOptions),
    ...connection,
    DATABASE_APPLICATION_NAME: { ...connection.DATABASE_APPLICATION_NAME, default: service },
    // A service's log should say what is slow without being asked to.
    DATABASE_SLOW_QUERY: {
      ...connection.DATABASE_SLOW_QUERY,
      default: '1',
      description:
        'A statement that the server takes this long for, or longer, is reported with its text, without values, and its place in the program; a request that takes this long is kept with what its time went into; 0: neither. In seconds.',
    },
    DATABASE_REPLICA_URL: {
      schema: databaseUrl,
      example: `postgresql://db-2,db-3/${database}`,
      secret: true,
      description:
        'Where the standbys are that reads may go to, as a connection string; what it leaves out is as in DATABASE_URL. Unset: the standbys among the hosts of DATABASE_URL or DATABASE_HOST, where there are several.',
    },
    ...optionVariables(replicaOptions),
    DATABASE_REPLICAS: {
      schema: integer({ min: 1, max: 100_000 }),
      default: '1',
      description:
        'Processes of this service that share the server: what they may all open together is compared with its limits.',
    },
  } as const satisfies VariableTable
}
