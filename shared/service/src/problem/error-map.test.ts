import { describe, expect, test } from 'bun:test'
import {
  CheckoutTimeoutError,
  ConfigurationError,
  ConnectError,
  ConnectionLostError,
  PoolClosedError,
  PoolSaturatedError,
  StatementTimeoutError,
  WorkAbortedError,
} from '@shared/database'
import { createFakeDatabase } from '../../test/fake-database.ts'
import { keepLines } from '../../test/log-lines.ts'
import { conflict, createServiceApp, toProblem } from '../index.ts'

const pool = createFakeDatabase().database.status()

/** As the driver's: SQLSTATE in `code`, values of the row in its texts. */
function serverError(code: string): Error {
  return Object.assign(new Error('canary: Key (email)=(canary@x.org) already exists'), {
    code,
    severity: 'ERROR',
    detail: 'canary-detail',
    query: 'insert canary-sql',
    parameters: ['canary-parameter'],
  })
}

/** As Drizzle's: SQL and parameters in the message. */
function queryError(cause: Error): Error {
  const message = 'Failed query: insert into canary-sql\nparams: canary-parameter\n    at canary-frame'
  return Object.assign(new Error(message, { cause }), {
    query: "select 'canary-sql'",
    params: ['canary-parameter'],
  })
}

function summary(error: unknown): unknown[] {
  const { status, code, headers } = toProblem(error)
  return [status, code, headers['Retry-After'] ?? null]
}

describe('errors of the connection layer', () => {
  test.each<[string, Error, unknown[]]>([
    ['ConnectError', new ConnectError('no', { sqlState: '28P01' }), [503, 'database-unavailable', '2']],
    ['CheckoutTimeoutError', new CheckoutTimeoutError(30_000, pool), [503, 'database-busy', '1']],
    ['PoolSaturatedError', new PoolSaturatedError(pool, 2100), [503, 'database-busy', '3']],
    ['PoolClosedError', new PoolClosedError('auth'), [503, 'shutting-down', '1']],
    [
      'ConnectionLostError before sending',
      new ConnectionLostError('not-sent'),
      [503, 'database-unavailable', '2'],
    ],
    [
      'ConnectionLostError in a transaction',
      new ConnectionLostError('rolled-back'),
      [503, 'database-unavailable', '2'],
    ],
    ['ConnectionLostError after sending', new ConnectionLostError('unknown'), [503, 'outcome-unknown', null]],
    ['StatementTimeoutError', new StatementTimeoutError(1000), [503, 'request-timeout', null]],
    ['WorkAbortedError', new WorkAbortedError(new Error('gone')), [503, 'request-aborted', null]],
    ['ConfigurationError', new ConfigurationError('no'), [500, 'internal', null]],
  ])('%s', (_name, error, expected) => {
    expect(summary(error)).toEqual(expected)
    expect(summary(queryError(error))).toEqual(expected)
  })
})

describe('errors of the server', () => {
  test.each<[string, unknown[]]>([
    ['23505', [409, 'already-exists', null]],
    ['23503', [409, 'reference-conflict', null]],
    ['23514', [422, 'value-refused', null]],
    ['23502', [422, 'value-refused', null]],
    ['22P02', [400, 'invalid-value', null]],
    ['22001', [400, 'invalid-value', null]],
    ['22003', [400, 'invalid-value', null]],
    ['22021', [400, 'invalid-value', null]],
    ['40001', [503, 'concurrent-change', '1']],
    ['40P01', [503, 'concurrent-change', '1']],
    ['55P03', [503, 'concurrent-change', '1']],
    ['57014', [504, 'database-timeout', null]],
    ['57P01', [503, 'database-unavailable', '2']],
    ['53300', [503, 'database-busy', '1']],
    ['42501', [500, 'internal', null]],
    ['42P01', [500, 'internal', null]],
  ])('%s', (state, expected) => {
    expect(summary(queryError(serverError(state)))).toEqual(expected)
  })
})

test('a problem thrown inside a wrapped call is found', () => {
  expect(summary(queryError(conflict('sold-out', 'Sold out.')))).toEqual([409, 'sold-out', null])
})

test('what is no error at all is 500', () => {
  expect([summary('text'), summary(undefined), summary({ status: 200 })]).toEqual([
    [500, 'internal', null],
    [500, 'internal', null],
    [500, 'internal', null],
  ])
})

test('an error whose causes form a ring is answered too', () => {
  const error = new Error('ring')
  error.cause = error
  expect(summary(error)).toEqual([500, 'internal', null])
})

test.each(['23505', '42P01', '57014'])(
  'neither the response nor the log of a %s holds parameters, constants or row values',
  async (state) => {
    const log = keepLines()
    const { database } = createFakeDatabase()
    const app = createServiceApp({ service: 'test', version: '1', database, logger: log.logger })
    app.get('/query', () => {
      throw queryError(serverError(state))
    })
    const body = await (await app.request('/query')).text()
    expect(body + log.text()).not.toContain('canary')
    expect(log.lines()[0]?.err).toMatchObject({ sqlState: state, frames: expect.any(Array) })
  },
)
