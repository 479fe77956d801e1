import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import {
  ConnectionLostError,
  PoolClosedError,
  StatementTimeoutError,
  WorkAbortedError,
} from '../../src/index.ts'
import { type Admin, openAdmin } from './admin.ts'
import { checkRows } from './audit.ts'
import { Ledger, type Outcome } from './ledger.ts'
import { judge, Undo } from './outcomes.ts'
import { drawPlan } from './plan.ts'
import { Random } from './random.ts'
import { setStage } from './stage.ts'

const plan = drawPlan({ seed: 1, workload: 'types', loadMs: 1_000, hasPooler: false })

test('a seed draws the same world again, and another seed another', () => {
  const draw = (seed: number) => drawPlan({ seed, workload: 'mixed', loadMs: 1_000, hasPooler: true })
  expect(draw(7)).toEqual(draw(7))
  expect(draw(8)).not.toEqual(draw(7))
  const random = new Random(7)
  const [first] = [random.fork('caller 1').next(), random.next()]
  expect(new Random(7).fork('caller 1').next()).toBe(first as number)
  expect(random.fork('caller 1').next()).toBe(first as number)
  expect(random.fork('caller 2').next()).not.toBe(first as number)
})

describe('an error is read as a caller would', () => {
  test.each([
    ['never sent', new ConnectionLostError('not-sent'), 'single', 'absent'],
    ['rolled back', new ConnectionLostError('rolled-back'), 'committing', 'absent'],
    ['lost while it ran', new ConnectionLostError('unknown'), 'single', 'unknown'],
    ['refused by a closed pool', new PoolClosedError('p'), 'single', 'absent'],
    ['late, by itself', new StatementTimeoutError(5), 'single', 'unknown'],
    ['late, in a transaction', new StatementTimeoutError(5), 'in-transaction', 'absent'],
    ['late, at COMMIT', new WorkAbortedError(null), 'committing', 'unknown'],
    ['undone by its caller', new Undo(), 'in-transaction', 'absent'],
  ] as const)('%s', (_, error, phase, outcome) => {
    expect(judge(error, phase, plan)).toMatchObject({ outcome, isExpected: true })
  })

  test('one that nothing in this world explains is a finding', () => {
    const serverError = Object.assign(new Error('cache lookup failed'), {
      severity: 'ERROR',
      code: 'XX000',
    })
    expect(judge(serverError, 'single', plan)).toEqual({
      outcome: 'absent',
      kind: 'XX000',
      isExpected: false,
    })
    expect(judge(new TypeError('no'), 'single', plan)).toMatchObject({ isExpected: false })
  })
})

describe('the audit compares reports with rows', () => {
  let database: TestDatabase
  let admin: Admin

  beforeAll(async () => {
    database = await withDatabase()
    admin = openAdmin(database.adminUrl)
    await setStage(admin, 'public')
  }, 60_000)
  afterAll(async () => {
    await admin.end()
    await database.drop()
  }, 60_000)

  async function audited(rows: number, outcome: Outcome | null, parts: readonly number[]) {
    await admin`truncate singles, pairs`
    const ledger = new Ledger()
    const claim = ledger.claim('a write', rows)
    claim.outcome = outcome
    for (const part of parts) await admin`insert into pairs (id, part) values (${claim.id}, ${part})`
    await checkRows(admin, ledger)
    return ledger.violations.map(({ kind }) => kind)
  }

  test.each([
    ['done and there', 1, 'done', [1], []],
    ['done and not there', 1, 'done', [], ['wrong']],
    ['done and there twice', 1, 'done', [1, 1], ['twice']],
    ['failed and there', 1, 'absent', [1], ['wrong']],
    ['failed and not there', 2, 'absent', [], []],
    ['unknown and there', 2, 'unknown', [1, 2], []],
    ['unknown and half there', 2, 'unknown', [2], ['half']],
    ['never settled and there twice', 2, null, [1, 2, 2], ['twice']],
    ['with a part that was undone', 2, 'done', [1, 2, 99], ['half']],
  ] as const)('%s', async (_, rows, outcome, parts, found) => {
    expect(await audited(rows, outcome, parts)).toEqual([...found])
  })
})
