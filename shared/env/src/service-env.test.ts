import { describe, expect, test } from 'bun:test'
import { definition, issuesOf, parts, reportOf } from '../test/environments.ts'
import { createServiceEnv } from './service-env.ts'

const read = (environment: Record<string, string | undefined>) =>
  createServiceEnv({ ...definition, environment })
describe('unknown names', () => {
  test('that begin with DATABASE_ are errors, with the name that was meant', () => {
    expect(
      issuesOf({
        ...parts,
        DATABASE_POOLSIZE: '5',
        DATABASE_HOST_FILE: '/x',
        DATABASE_FOO: '1',
        DATABSE_URL: 'x',
      }),
    ).toEqual([
      { variable: 'DATABASE_POOLSIZE', message: 'is not known: did you mean DATABASE_POOL_SIZE?' },
      { variable: 'DATABASE_HOST_FILE', message: 'is not known: did you mean DATABASE_HOST?' },
      {
        variable: 'DATABASE_FOO',
        message: 'is not known: remove it, or see .env.example for the names there are',
      },
      { variable: 'DATABSE_URL', message: 'is not known: did you mean DATABASE_URL?' },
    ])
  })

  test('of other programs are left alone', () => {
    const environment = {
      ...parts,
      TEST_DATABASE_ADMIN_URL: 'x',
      DATADOG_URL: 'x',
      MIGRATION_USER: '',
      MIGRATION_FOO: 'x',
      DATABASE_FOO: '',
    }
    expect(read(environment).PORT).toBe(8001)
  })

  test("of OpenTelemetry are the SDK's, all but the two that decide whether it is started", () => {
    const otel = { OTEL_SERVICE_NAME: 'shop', OTEL_EXPORTER_OTLP_HEADERS: 'key=secret' }
    const endpoint = 'http://collector:4318/prefix/'
    expect(read({ ...parts, ...otel, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/prefix',
      OTEL_SDK_DISABLED: false,
    })
    const wrong = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://key:secret@collector:4318',
      OTEL_SDK_DISABLED: 'maybe',
    }
    expect(issuesOf({ ...parts, ...wrong }).map(({ variable }) => variable)).toEqual(Object.keys(wrong))
    expect(reportOf({ ...parts, ...wrong })).not.toContain('secret')
  })

  test('cannot forge a line of the report', () => {
    const report = reportOf({ ...parts, 'DATABASE_\n  PORT  \u001b[31mis fine': 'x' })
    expect(report.split('\n')).toHaveLength(2)
    expect(report).not.toContain('\u001b')
  })
})

describe('the other variables', () => {
  test('have defaults', () => {
    const { DATABASE_URL: _, DATABASE_PASSWORD: __, ...env } = read(parts)
    expect(env as Record<string, unknown>).toMatchObject({
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PORT: 8001,
      LOG_LEVEL: 'info',
      REQUEST_TIMEOUT: 45,
      SHUTDOWN_TIMEOUT: 8,
      SHUTDOWN_DELAY: undefined,
      HEALTH_DETAILS: 'never',
      HEALTH_TOKEN: undefined,
      DATABASE_HOST: 'db',
      DATABASE_PORT: '5432',
      DATABASE_NAME: 'auth_db',
      DATABASE_USER: 'auth_app',
      DATABASE_NAME_CHECK: true,
      DATABASE_SSL_MODE: 'prefer',
      DATABASE_SSL_ROOT_CERT: undefined,
      DATABASE_CONNECT_TIMEOUT: 10,
      DATABASE_POOL_SIZE: 10,
      DATABASE_MAX_OVERFLOW: 20,
      DATABASE_POOL_TIMEOUT: 30,
      DATABASE_POOL_RECYCLE: 3600,
      DATABASE_POOL_PRE_PING: true,
      DATABASE_POOL_PRE_PING_IDLE: 0.5,
      DATABASE_POOL_PRE_PING_TIMEOUT: 2,
      DATABASE_POOL_SHARED_DEPTH: 16,
      DATABASE_POOL_SLOW_STATEMENT: 0.02,
      DATABASE_POOL_RESET: 'discard',
      DATABASE_POOL_LEAK_TIMEOUT: 60,
      DATABASE_POOL_SLOW_CHECKOUT: 1,
      DATABASE_IDLE_TIMEOUT: 600,
      DATABASE_MAX_WAITING: 1000,
      DATABASE_STATEMENT_TIMEOUT: 0,
      DATABASE_PREPARE: true,
      DATABASE_MAX_PREPARED_STATEMENTS: 256,
      DATABASE_PLAN_CACHE_MODE: 'auto',
      DATABASE_DEFINITIONS_CHECK: 1,
      DATABASE_STALL_TIMEOUT: 1,
      DATABASE_RETRY_READS: false,
      DATABASE_REPLICAS: 1,
      DATABASE_APPLICATION_NAME: 'auth',
    })
  })

  test('count as unset when empty, and the given environment is not touched', () => {
    const environment = Object.freeze({
      ...parts,
      PORT: '',
      LOG_LEVEL: '',
      DATABASE_PASSWORD_FILE: '',
      UNRELATED: '',
    })
    expect(read(environment)).toMatchObject({ PORT: 8001, LOG_LEVEL: 'info' })
  })

  test.each([
    ['INFO', 'info'],
    ['Debug', 'debug'],
    ['WARNING', 'warn'],
    ['CRITICAL', 'fatal'],
  ])('take LOG_LEVEL as %s, in the case and with the names that Python has', (LOG_LEVEL, expected) => {
    expect(read({ ...parts, LOG_LEVEL }).LOG_LEVEL as string).toBe(expected)
  })

  test('are all reported at once, one issue a variable, in the order of .env.example', () => {
    const environment = {
      DATABASE_POOL_SIZE: '0x10',
      PORT: '1e3',
      DATABASE_PREPARE: 'maybe',
      LOG_LEVEL: 'loud',
      NODE_ENV: 'staging',
      DATABASE_URL: 'postgresql://u@db:0/auth_db/x?pool_size=3',
      DATABASE_SSL_MODE: 'allow',
      DATABASE_POOL_TIMEOUT: '30s',
    }
    expect(issuesOf(environment).map((issue) => issue.variable)).toEqual([
      'NODE_ENV',
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'DATABASE_SSL_MODE',
      'DATABASE_POOL_SIZE',
      'DATABASE_POOL_TIMEOUT',
      'DATABASE_PREPARE',
    ])
  })

  test('are checked even where a test has made a browser of the runtime', () => {
    Object.assign(globalThis, { window: {} })
    try {
      expect(issuesOf({ ...parts, PORT: 'x' })).toHaveLength(1)
    } finally {
      Reflect.deleteProperty(globalThis, 'window')
    }
  })
})

describe('health details', () => {
  const token = 'canary-0123456789'
  const details = (environment: Record<string, string>) => read({ ...parts, ...environment }).HEALTH_DETAILS

  test('are guarded by the token where there is one, hidden in production, else open', () => {
    expect({
      unset: details({}),
      production: details({ NODE_ENV: 'production' }),
      productionWithToken: details({ NODE_ENV: 'production', HEALTH_TOKEN: token }),
      development: details({ NODE_ENV: 'development' }),
      developmentWithToken: details({ NODE_ENV: 'development', HEALTH_TOKEN: token }),
      explicit: details({ NODE_ENV: 'production', HEALTH_DETAILS: 'always' }),
    }).toEqual({
      unset: 'never',
      production: 'never',
      productionWithToken: 'token',
      development: 'always',
      developmentWithToken: 'token',
      explicit: 'always',
    })
  })

  test('need a token that is long enough and fits a header', () => {
    expect(issuesOf({ ...parts, HEALTH_DETAILS: 'token' })).toEqual([
      { variable: 'HEALTH_TOKEN', message: 'is required by HEALTH_DETAILS=token' },
    ])
    for (const bad of ['canary', 'canary canary canary', 'canary-éééééééééééé']) {
      expect(reportOf({ ...parts, HEALTH_TOKEN: bad })).toContain('HEALTH_TOKEN')
      expect(reportOf({ ...parts, HEALTH_TOKEN: bad })).not.toContain('canary')
    }
  })
})
