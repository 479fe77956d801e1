import { sslModes } from '@shared/database'
import { z } from 'zod'
import { readDatabaseUrl } from './database-url.ts'
import { boolean, host, identifier, integer, oneOf, seconds, secret, text } from './fields.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

const databaseUrl = z.string().transform((value, context) => {
  const result = readDatabaseUrl(value)
  if ('parts' in result) return result.parts
  for (const message of result.problems) context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Where the database is. `resolveTarget` joins the URL and the parts, so what is required here depends on both. */
export function targetVariables({ service, database }: ServiceDefinition) {
  return {
    DATABASE_URL: {
      schema: databaseUrl,
      example: `postgresql://${service}_app:change-me@127.0.0.1:5432/${database}`,
      secret: true,
      description:
        'The whole address. It may leave out what the five variables below say; where both say something they must agree. The only query parameter is sslmode.',
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
    DATABASE_SSL_MODE: {
      schema: oneOf(sslModes),
      default: 'prefer',
      description: `${sslModes.join(', ')}, as in libpq: prefer encrypts where the server can but does not verify it. Use verify-full across a network you do not own.`,
    },
    DATABASE_SSL_ROOT_CERT: {
      schema: text(4096),
      example: '/etc/ssl/certs/database-ca.pem',
      description:
        'File with the certificate authority that verify-ca and verify-full trust instead of the system’s.',
    },
    DATABASE_CONNECT_TIMEOUT: {
      schema: seconds({ min: 0.1 }),
      default: '10',
      description: 'Seconds to open one connection.',
    },
  } as const satisfies VariableTable
}

/** How the pool and its connections behave. */
export function poolVariables({ service }: ServiceDefinition) {
  return {
    DATABASE_POOL_SIZE: {
      schema: integer({ min: 1, max: 10_000 }),
      default: '10',
      description: 'Connections kept open. With the overflow, the most this process opens.',
    },
    DATABASE_MAX_OVERFLOW: {
      schema: integer({ min: -1, max: 10_000 }),
      default: '20',
      description: 'Extra connections under load, closed again afterwards; -1 for no limit.',
    },
    DATABASE_POOL_TIMEOUT: {
      schema: seconds({ min: 0.001 }),
      default: '30',
      description:
        'Seconds a query may wait for a connection, ping and connect included. Keep it below REQUEST_TIMEOUT and above DATABASE_CONNECT_TIMEOUT.',
    },
    DATABASE_POOL_RECYCLE: {
      schema: seconds({ min: 1, never: true }),
      default: '3600',
      description: 'Seconds after which a connection is replaced; -1 for never.',
    },
    DATABASE_POOL_PRE_PING: {
      schema: boolean(),
      default: 'true',
      description: 'Test a connection that has been idle before it is handed out.',
    },
    DATABASE_POOL_PRE_PING_IDLE: {
      schema: seconds({ min: 0 }),
      default: '0.5',
      description: 'Seconds of silence after which the test is made; 0 makes it every time.',
    },
    DATABASE_POOL_PRE_PING_TIMEOUT: {
      schema: seconds({ min: 0.001 }),
      default: '2',
      description: 'Seconds the test may take before the connection counts as dead.',
    },
    DATABASE_POOL_SHARED_DEPTH: {
      schema: integer({ min: 1, max: 90 }),
      default: '16',
      description: 'Single statements that may be under way on one connection at once; 1 for no pipelining.',
    },
    DATABASE_POOL_SLOW_STATEMENT: {
      schema: seconds({ min: 0.001 }),
      default: '0.02',
      description: 'Seconds after which a running statement counts as slow: no other is sent behind it.',
    },
    DATABASE_POOL_LEAK_TIMEOUT: {
      schema: seconds({ min: 0 }),
      default: '60',
      description:
        'Seconds after which a transaction or other exclusive use is reported once, with where it began; 0 for never.',
    },
    DATABASE_POOL_SLOW_CHECKOUT: {
      schema: seconds({ min: 0 }),
      default: '1',
      description:
        'Seconds of waiting for a connection that are reported with the pool’s numbers; 0 for never.',
    },
    DATABASE_POOL_RESET: {
      schema: oneOf(['discard', 'rollback']),
      default: 'discard',
      description:
        'How a connection is cleaned after exclusive use: discard resets all session state, rollback only ends a transaction.',
    },
    DATABASE_IDLE_TIMEOUT: {
      schema: seconds({ min: 1, never: true }),
      default: '600',
      description: 'Seconds after which an idle connection is closed; -1 for never.',
    },
    DATABASE_MAX_WAITING: {
      schema: integer({ min: 0, max: 1_000_000 }),
      default: '1000',
      description: 'Queries that may wait for a connection; one more fails at once.',
    },
    DATABASE_STATEMENT_TIMEOUT: {
      schema: seconds({ min: 0 }),
      default: '0',
      description:
        'Seconds after which the server cancels a statement; 0 leaves it to what server and role have set.',
    },
    DATABASE_PREPARE: {
      schema: boolean(),
      default: 'true',
      description: 'Use prepared statements, except where a pooler would lose them.',
    },
    DATABASE_MAX_PREPARED_STATEMENTS: {
      schema: integer({ min: 0, max: 100_000 }),
      default: '256',
      description: 'Prepared statements that each connection keeps.',
    },
    DATABASE_PLAN_CACHE_MODE: {
      schema: oneOf(['auto', 'force_custom_plan', 'force_generic_plan']),
      default: 'auto',
      description:
        'plan_cache_mode of prepared statements: auto (as server and role have it), force_custom_plan (a plan for the values of each run) or force_generic_plan (one for all).',
    },
    DATABASE_DEFINITIONS_CHECK: {
      schema: seconds({ min: 0 }),
      default: '1',
      description:
        'Seconds between looks for changed tables, types and functions, which make prepared statements be prepared anew; 0 for never.',
    },
    DATABASE_STALL_TIMEOUT: {
      schema: seconds({ min: 0 }),
      default: '1',
      description:
        'Seconds of silence after which a running statement is looked up on the server, to tell a long one from a dead connection; 0 for never.',
    },
    DATABASE_RETRY_READS: {
      schema: boolean(),
      default: 'false',
      description:
        'Run a read outside transactions once more when its connection was lost. Writes are never repeated.',
    },
    DATABASE_REPLICAS: {
      schema: integer({ min: 1, max: 100_000 }),
      default: '1',
      description:
        'Processes of this service that share the server: what they may all open together is compared with its limits.',
    },
    DATABASE_APPLICATION_NAME: {
      schema: identifier(),
      default: service,
      description: 'Name of the connections in pg_stat_activity.',
    },
  } as const satisfies VariableTable
}
