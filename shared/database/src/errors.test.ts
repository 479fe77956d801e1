import { expect, test } from 'bun:test'
import { serverState, sqlState } from './errors.ts'

const errorWith = (fields: object, cause?: unknown) => Object.assign(new Error('no', { cause }), fields)

test.each([
  ['a server', { code: '23505', severity: 'ERROR' }, '23505'],
  ['a pooler, which sends the localized severity alone', { code: '08P01', severity_local: 'FATAL' }, '08P01'],
  ['a function that raises a state of its own', { code: 'EPIPE', severity: 'ERROR' }, 'EPIPE'],
  ['the operating system', { code: 'EPIPE' }, null],
  ['a driver', { code: 'UNDEFINED_VALUE' }, null],
])('an error of %s has its SQLSTATE, if any', (_, fields, state) => {
  expect(serverState(errorWith(fields))).toBe(state)
})

test('the causes of an error count for sqlState alone', () => {
  const wrapped = errorWith({}, errorWith({ code: '40001', severity: 'ERROR' }))
  expect([serverState(wrapped), sqlState(wrapped), serverState(null)]).toEqual([null, '40001', null])
})
