import { expect, test } from 'bun:test'
import { deadlineWarnings } from './start-warnings.ts'

const fitting = {
  REQUEST_TIMEOUT: 45,
  DATABASE_POOL_TIMEOUT: 30,
  DATABASE_CONNECT_TIMEOUT: 10,
  DATABASE_STATEMENT_TIMEOUT: 0,
}

test('bounds of which each is below the next cause no warning, nor do those that are not known', () => {
  expect([deadlineWarnings(fitting), deadlineWarnings({ REQUEST_TIMEOUT: 1 })]).toEqual([[], []])
})

test.each<[Partial<typeof fitting>, string[]]>([
  [{ REQUEST_TIMEOUT: 30 }, ['DATABASE_POOL_TIMEOUT (30 s) is not below REQUEST_TIMEOUT (30 s)']],
  [
    { DATABASE_POOL_TIMEOUT: 5 },
    ['DATABASE_CONNECT_TIMEOUT (10 s) is not below DATABASE_POOL_TIMEOUT (5 s)'],
  ],
  [
    { DATABASE_STATEMENT_TIMEOUT: 60 },
    ['DATABASE_STATEMENT_TIMEOUT (60 s) is not below REQUEST_TIMEOUT (45 s)'],
  ],
  [
    { REQUEST_TIMEOUT: 0.5, DATABASE_STATEMENT_TIMEOUT: 1 },
    [
      'DATABASE_POOL_TIMEOUT (30 s) is not below REQUEST_TIMEOUT (0.5 s)',
      'DATABASE_STATEMENT_TIMEOUT (1 s) is not below REQUEST_TIMEOUT (0.5 s)',
    ],
  ],
])('%j does not fit, and is named', (changes, beginnings) => {
  const warnings = deadlineWarnings({ ...fitting, ...changes })
  expect(warnings).toEqual(beginnings.map((beginning) => expect.stringContaining(beginning)))
  for (const warning of warnings) expect(warning).toEndWith('Lower the first or raise the second.')
})
