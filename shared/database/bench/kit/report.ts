import { cpus, loadavg, platform, totalmem } from 'node:os'
import type { Bar, Metric, Result } from './result.ts'
import { ratio, spread } from './statistics.ts'
import { renderNumber, renderTable } from './table.ts'

/** A scenario's part of a report. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly metrics: readonly Metric[]
  readonly results: readonly Result[]
}

/** A run, as `--json` prints it. */
export interface Report {
  readonly machine: Readonly<Record<string, string | number>>
  readonly settings: Readonly<Record<string, string | number>>
  /** What peers are called, in the order of the tables' lines. */
  readonly titles: Readonly<Record<string, string>>
  readonly sections: readonly Section[]
  readonly bars: readonly Bar[]
}

/**
 * What the numbers are measured on: the commit (marked when files differ from it), date, versions, processor, and how many
 * processes others keep running. To be asked before measuring.
 */
export async function describeMachine(): Promise<Record<string, string | number>> {
  const git = (...args: string[]) =>
    Bun.$`git ${args}`
      .cwd(import.meta.dir)
      .quiet()
      .nothrow()
      .text()
  const commit = (await git('rev-parse', '--short', 'HEAD')).trim()
  const isDirty = (await git('status', '--porcelain', '--untracked-files=no')).trim() !== ''
  return {
    commit: commit === '' ? 'unknown' : `${commit}${isDirty ? ', with changes' : ''}`,
    date: new Date().toISOString().slice(0, 10),
    bun: Bun.version,
    platform: platform(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    load: (loadavg()[0] ?? 0).toFixed(1),
    memoryGb: Math.round(totalmem() / 2 ** 30),
  }
}

/** The report as text: what it ran on, a table for each variant of each scenario, the bars. */
export function renderReport({ machine, settings, titles, sections, bars }: Report): string {
  const tables = sections.flatMap(({ title, metrics, results }) =>
    [...new Set(results.map(({ variant }) => variant))].map((variant) =>
      renderVariant(
        `${title}: ${variant}`,
        metrics,
        results.filter((result) => result.variant === variant),
        titles,
      ),
    ),
  )
  return [renderFacts(machine), renderFacts(settings), ...tables, renderBars(bars)]
    .filter((part) => part !== '')
    .join('\n\n')
}

function renderFacts(facts: Readonly<Record<string, string | number>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ')
}

/** Each number with its spread over the rounds; what compares, with how many times better ours is (`×`). */
function renderVariant(
  title: string,
  metrics: readonly Metric[],
  results: readonly Result[],
  titles: Readonly<Record<string, string>>,
): string {
  const shown = metrics.filter(({ id }) => results.some(({ values }) => id in values))
  const compared = results.length > 1 && results.some(({ peer }) => peer === 'ours')
  const ours = results.find(({ peer }) => peer === 'ours')
  const head = shown.flatMap(({ title, better }) => [title, '±', ...(compared && better ? ['×'] : [])])
  const order = Object.keys(titles)
  const sorted = results.toSorted((a, b) => order.indexOf(a.peer) - order.indexOf(b.peer))
  const rows = sorted.map((result) => [
    titles[result.peer] ?? result.peer,
    ...shown.flatMap(({ id, better }) => {
      const stat = result.values[id]
      const us = ours?.values[id]
      const cells = stat ? [renderNumber(stat.median), `${Math.round(spread(stat) * 100)}%`] : ['', '']
      if (!compared || better === null) return cells
      if (!stat || !us || result === ours) return [...cells, '']
      const [top, bottom] = better === 'higher' ? [us, stat] : [stat, us]
      return [...cells, ratio(top, bottom).toFixed(2)]
    }),
  ])
  return renderTable([[title, ...head], ...rows])
}

/** A line for each bar: `✓` kept, `✗` not, `–` not measured. */
export function renderBars(bars: readonly Bar[]): string {
  if (bars.length === 0) return ''
  const mark = ({ measured, kept }: Bar) => (measured === null ? '–' : kept ? '✓' : '✗')
  return renderTable(bars.map((bar) => [`${mark(bar)} ${bar.text}`, bar.measured ?? 'not measured']))
}
