import { expect, test } from 'bun:test'
import { keepLines } from '../../test/log-lines.ts'
import type { LoggerOptions } from './logger.ts'

const secretive = () =>
  Object.assign(new Error('Failed query: select canary'), { query: "select 'canary'", params: ['canary'] })

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

test('a long message of an error is whole, and of one that fills the log it is said how much is left out', () => {
  const log = keepLines()
  for (const length of [3_000, 12_000]) log.logger.error(new Error('x'.repeat(length)))
  expect(log.lines()).toMatchObject([
    { err: { message: 'x'.repeat(3_000) } },
    { err: { message: `${'x'.repeat(10_000)}… (2000 more characters)` } },
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

type Line = [fields: object, message: string]

/** What a program that logs lines writes to its standard output. */
function written(options: LoggerOptions, lines: Line[] = [[{ port: 8001 }, 'it listens']]): string {
  const program = `import { createLogger } from '${import.meta.dir}/logger.ts'
    const logger = createLogger(${JSON.stringify(options)})
    for (const line of ${JSON.stringify(lines)}) logger.info(...line)`
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

// What a request's path may hold, decoded.
const hostile = [
  '\r\nFAKE',
  '\u001b[2J\u0000',
  '\u009b2J\u007f',
  '\u202ee\u2066',
  '\u2028\ufeff',
  '\ud800',
  '"}\\n',
]
const hostileLines = hostile.map((path): Line => [{ path }, `GET ${path} 404`])

test.each(['json', 'pretty'] as const)(
  'a %s line is one line of printable text, whatever is in its fields',
  (format) => {
    const lines = Bun.stripANSI(written({ service: 'auth', format }, hostileLines)).split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+ ?$/u.test(line))).toEqual(
      hostile.map(() => true),
    )
  },
)

test('a line for machines means what was logged', () => {
  const lines = written({ service: 'auth', format: 'json' }, hostileLines).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).path)).toEqual(hostile)
})
