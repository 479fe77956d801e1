import { expect, test } from 'bun:test'
import type { MigrationCheck, MigrationReport } from '@shared/monitor'
import { databaseBehind } from './database-behind.ts'

/** A check that finds the database like this. */
function checkOf(state: MigrationReport['state']): MigrationCheck {
  const report: MigrationReport = { state, pending: [], total: 1, code: null }
  return { check: async () => report, recheck: async () => report, seen: () => report }
}

const refusedWith = (code: string): Error => Object.assign(new Error('refused'), { code, severity: 'ERROR' })

test.each([
  {
    found: 'a pending migration',
    state: 'behind',
    edited: false,
    expected: ['42703', '42P01', '42883', '3F000'],
  },
  { found: 'nothing pending', state: 'current', edited: false, expected: [] },
  { found: 'nothing pending, in development', state: 'current', edited: true, expected: ['42703', '42P01'] },
] as const)(
  'with $found these are answered by database-behind: $expected',
  async ({ state, edited, expected }) => {
    const answered: string[] = []
    for (const code of ['42703', '42P01', '42883', '3F000', '42501', '23505', '57014']) {
      const problem = await databaseBehind(refusedWith(code), {
        service: 'orders',
        migrations: checkOf(state),
        schemaMayBeEdited: edited,
      })
      if (problem === null) continue
      answered.push(code)
      expect({ status: problem.status, code: problem.code }).toEqual({ status: 503, code: 'database-behind' })
    }
    expect(answered).toEqual([...expected])
  },
)
