import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blockOf } from '../bench/kit/index.ts'
import { renderSpeedTable } from '../bench/speed-table.ts'

const folder = join(import.meta.dir, '..')
const report = readFileSync(join(folder, 'bench/README.md'), 'utf8')

test("the root README's table of speed is made from the saved report: bun run bench --save writes both", () => {
  const readme = readFileSync(join(folder, '../../README.md'), 'utf8')
  expect(blockOf(readme, 'speed')).toBe(renderSpeedTable(report))
})

test('a row has every peer of the report, two digits where the peer is faster, and a dash where it was not measured', () => {
  const numbers = (times: string) => `1,000   3%  ${times}    0.10  11%`
  const variant = (name: string, lines: string[]) =>
    `${name}   /s   ±     ×  p50 ms    ±\n${lines.join('\n')}\n`
  const lines = [
    'this layer                     10,300  13%          0.09   7%',
    `this layer .prepare()          ${numbers('0.75')}`,
    `drizzle/postgres-js             ${numbers('3.34')}`,
    `drizzle/postgres-js .prepare()  ${numbers('0.95')}`,
    `drizzle/bun-sql                 ${numbers('11.45')}`,
    `raw Bun.SQL                     ${numbers('0.55')}`,
  ]
  const names = [
    ...[
      'select: 1 caller',
      'select: 64 callers',
      'select: 500 callers',
      'distance: 64 callers, 5 ms each way',
    ],
    ...['insert … returning: 64 callers', 'transaction of two: 10 callers'],
  ]
  const text = (all: string[]) =>
    `<!-- report: begin -->\ncommit 1\n\n${all.map((name) => variant(name, lines)).join('\n')}\n<!-- report: end -->`
  expect(renderSpeedTable(text(names)).split('\n')[2]).toBe(
    '| select by primary key, 1 caller | 3.3 × | – | 11 × | 0.95 × | 0.55 × |',
  )
  expect(() => renderSpeedTable(text(names.slice(1)))).toThrow('no "select: 1 caller"')
})
