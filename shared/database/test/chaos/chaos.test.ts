import { describe, expect, test } from 'bun:test'
import type { Workload } from './plan.ts'
import { renderFailure, renderSummary } from './report.ts'
import { runChaos } from './run-chaos.ts'

const random = Math.floor(Math.random() * 1_000_000)

/** Each workload with a fixed seed at least, and one seed that nobody has chosen. */
const worlds: readonly (readonly [workload: Workload | undefined, seeds: readonly number[]])[] = [
  ['mixed', [53, 69, 137]],
  ['deadlines', [6, 9]],
  ['types', [1]],
  ['cluster', [1]],
  [undefined, [random]],
]

describe('a world of faults breaks no promise', () => {
  for (const [workload, seeds] of worlds) {
    test(`${workload ?? 'drawn'}, seeds ${seeds.join(', ')}`, async () => {
      const report = await runChaos({ seeds, workload, loadMs: 2_000 })
      for (const note of report.notes) console.info(note)
      console.info(renderSummary(report))
      expect(report.failures.map((failure) => renderFailure(failure, workload))).toEqual([])
      expect({ worlds: report.worlds, isAnswered: report.answered > 0 }).toEqual({
        worlds: seeds.length,
        isAnswered: true,
      })
    }, 300_000)
  }
})
