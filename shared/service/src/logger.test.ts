import { expect, test } from 'bun:test'
import { keepLines } from '../test/log-lines.ts'

const secretive = () =>
  Object.assign(new Error('Failed query: select canary'), { query: 'canary', params: ['canary'] })

test.each<[string, (logger: ReturnType<typeof keepLines>['logger']) => void]>([
  ['alone', (logger) => logger.error(secretive())],
  ['in err', (logger) => logger.error({ err: secretive() })],
  ['in err, with a message', (logger) => logger.error({ err: secretive() }, 'it failed')],
  ['with a message', (logger) => logger.error(secretive(), 'it failed')],
])('an error logged %s shows no message of its query', (_name, write) => {
  const log = keepLines()
  write(log.logger)
  expect(log.text()).not.toContain('canary')
  expect(log.lines()).toEqual([
    expect.objectContaining({ level: 'error', err: expect.objectContaining({ class: 'Error' }) }),
  ])
})

test('secrets are censored by name, also one and two levels down', () => {
  const log = keepLines()
  log.logger.info({
    password: 'canary',
    user: { token: 'canary' },
    request: { headers: { authorization: 'canary' } },
  })
  expect(log.text()).not.toContain('canary')
  expect(log.lines()[0]).toMatchObject({ password: '[redacted]', user: { token: '[redacted]' } })
})

test('lines below the level are not written', () => {
  const log = keepLines({ level: 'warn' })
  log.logger.info('quiet')
  log.logger.warn('loud')
  expect(log.lines().map(({ msg }) => msg)).toEqual(['loud'])
})
