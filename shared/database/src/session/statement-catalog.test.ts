import { describe, expect, test } from 'bun:test'
import { noteRun } from '../connection/statement.ts'
import { StatementCatalog } from './statement-catalog.ts'

describe('StatementCatalog', () => {
  test('remembers what was learned of a text, and forgets when the texts become too many', () => {
    const catalog = new StatementCatalog()
    catalog.of('select $1').types = [23]
    expect(catalog.of('select $1')).toEqual({
      text: 'select $1',
      kind: 'plain',
      effect: 'none',
      types: [23],
      tookMs: 0,
    })
    for (let i = 0; i < 3_000; i++) catalog.of(`select ${i}`)
    expect(catalog.of('select $1')).toEqual({
      text: 'select $1',
      kind: 'plain',
      effect: 'none',
      types: null,
      tookMs: 0,
    })
  })
})

describe('how long a text takes', () => {
  test('is that of its last runs: one that waits makes it slow no more than one that is lucky makes it fast', () => {
    const info = new StatementCatalog().of('select 1')
    const after = (...times: number[]) => {
      for (const ms of times) noteRun(info, ms)
      return Math.round(info.tookMs * 10) / 10
    }
    expect(after(2, 2, 2)).toBe(2)
    expect(after(50)).toBe(8)
    expect(after(...new Array(20).fill(2))).toBe(2.4)
    expect(after(...new Array(20).fill(50))).toBe(46.7)
    expect(after(1)).toBe(41)
  })
})
