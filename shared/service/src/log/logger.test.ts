import { expect, test } from 'bun:test'
import { keepLines } from '../../test/log-lines.ts'
import type { LoggerOptions } from './logger.ts'

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

/** What a program that logs one line writes to its standard output. */
function written(options: LoggerOptions): string {
  const program = `import { createLogger } from '${import.meta.dir}/logger.ts'
    createLogger(${JSON.stringify(options)}).info({ port: 8001 }, 'it listens')`
  return Bun.spawnSync([process.execPath, '-e', program]).stdout.toString()
}

test('a line is one JSON object for machines', () => {
  const text = written({ service: 'auth', format: 'json' })
  expect(text.split('\n')).toEqual([expect.any(String), ''])
  expect(JSON.parse(text)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: 'auth',
    port: 8001,
    msg: 'it listens',
  })
})

test('a line is readable for people', () => {
  const text = Bun.stripANSI(written({ service: 'auth', format: 'pretty' }))
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: auth · it listens {"port":8001}\n$/)
})
