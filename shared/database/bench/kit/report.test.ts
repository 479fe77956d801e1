import { expect, test } from 'bun:test'
import { compareTo, compareToBest } from './bars.ts'
import { renderReport } from './report.ts'
import { Collector } from './result.ts'
import { renderTable } from './table.ts'

function collect() {
  const collector = new Collector()
  for (const round of [1, 2, 3]) {
    collector.add('select', '10 callers', 'peer', { perSecond: 1_000 * round, p99Ms: 4 })
    collector.add('select', '10 callers', 'ours', { perSecond: 2_500 * round, p99Ms: 2 })
  }
  return collector.results()
}
const where = { scenario: 'select', variant: '10 callers', metric: 'perSecond', text: 'as fast' }

test('a table aligns the first column to the left and the others to the right', () => {
  expect(renderTable([['name', 'n'], ['long name', '1,000'], ['short']])).toBe(
    'name           n\nlong name  1,000\nshort',
  )
})

test('a report shows medians, spreads and how many times better ours is, in the order of the titles', () => {
  const text = renderReport({
    machine: { bun: '1' },
    settings: { rounds: 3 },
    titles: { ours: 'this layer', peer: 'a peer' },
    sections: [
      {
        id: 'select',
        title: 'select',
        metrics: [
          { id: 'perSecond', title: '/s', better: 'higher' },
          { id: 'p99Ms', title: 'p99 ms', better: 'lower' },
          { id: 'absent', title: 'absent', better: null },
        ],
        results: collect(),
      },
    ],
    bars: [
      { text: 'kept', measured: '3 ×', kept: true },
      { text: 'missed', measured: '1 ×', kept: false },
      { text: 'not run', measured: null, kept: false },
    ],
  })
  expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['bun 1'],
    [''],
    ['rounds 3'],
    [''],
    ['select: 10 callers', '/s', '±', '×', 'p99 ms', '±', '×'],
    ['this layer', '5,000', '50%', '2.00', '0%'],
    ['a peer', '2,000', '50%', '2.50', '4.00', '0%', '2.00'],
    [''],
    ['✓ kept', '3 ×'],
    ['✗ missed', '1 ×'],
    ['– not run', 'not measured'],
  ])
})

test('a bar compares our number with one peer, or with the best of several', () => {
  const results = collect()
  expect(compareTo(results, 'peer', { ...where, atLeast: 3 })).toEqual({
    text: 'as fast',
    measured: '2.50 ×',
    kept: false,
  })
  expect(compareTo(results, 'peer', { ...where, atMost: 3 }).kept).toBe(true)
  expect(compareTo(results, 'nobody', { ...where, atLeast: 3 }).measured).toBeNull()
  expect(compareToBest(results, { nobody: 'nobody', peer: 'a peer' }, { ...where, atLeast: 2 })).toEqual({
    text: 'as fast',
    measured: '2.50 × a peer',
    kept: true,
  })
})
