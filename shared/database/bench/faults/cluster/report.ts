import { cpus, platform } from 'node:os'
import { renderBars, renderTable } from '../../kit/index.ts'
import { clusterBars } from './bars.ts'
import { peers } from './peers.ts'
import type { Cell, ClusterReport } from './run-faults.ts'
import { scenarioIds, scenarios } from './scenarios.ts'
import { schedule } from './schedule.ts'

const headings = [
  'ok',
  'failed',
  'hung',
  'longest',
  'no write',
  'of it promoted',
  'stale',
  'lost',
  'twice',
  'wrong',
  'uncaught',
]

const legend =
  `ok, failed, hung: calls (hung: not settled after ${schedule.hungMs / 1_000} s). longest: of all calls. no write: the longest time without a write that succeeded;\n` +
  'of it promoted: with a primary there. stale: reads that did not show what their caller had written. lost: writes that were answered and are not\n' +
  'on the primary at the end; twice: there more than once; wrong: there although their error said that they are not. uncaught: errors that end a process.'

/** The report as tables, one a scenario, a peer a line. */
export function renderTables(report: ClusterReport): string {
  const { date, bun, postgres, cpu, cores } = environment(report)
  const head =
    `${schedule.callers} callers on a pool of ${schedule.poolSize}, a write and a read of it each ${schedule.everyMs} ms. A primary and two standbys.\n` +
    `${date.slice(0, 10)} · Bun ${bun} · PostgreSQL ${postgres} · ${cores} × ${cpu}`
  const tables = scenarioIds.flatMap((id) => {
    const cells = report.cells.filter(({ scenario }) => scenario === id)
    return cells.length === 0 ? [] : [renderTable([[scenarios[id].title, ...headings], ...cells.map(rowOf)])]
  })
  return [head, ...tables, renderBars(clusterBars(report)), legend].join('\n\n')
}

/** The report for other programs: the schedule, the machine and every cell with its errors counted. */
export function renderJson(report: ClusterReport): string {
  return JSON.stringify(
    { ...environment(report), schedule, cells: report.cells, bars: clusterBars(report) },
    null,
    2,
  )
}

function environment(report: ClusterReport) {
  return {
    date: new Date().toISOString(),
    bun: Bun.version,
    postgres: report.server,
    platform: platform(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  }
}

function rowOf({ peer, result, died }: Cell): string[] {
  const { title } = peers[peer]
  if (!result) return [`${title}: ${died}`]
  const { ok, failed, hung, longestMs, gapMs, gapAfterPromotionMs, isServed } = result
  const { stale, lost, twice, wrong, uncaught } = result
  const gaps = [gapMs, gapAfterPromotionMs].map((ms) =>
    ms === null ? '–' : `${isServed ? '' : '> '}${renderMs(ms)}`,
  )
  return [
    title,
    ...[ok, failed, hung].map(String),
    renderMs(longestMs),
    ...gaps,
    ...[stale, lost, twice, wrong, uncaught].map(String),
  ]
}

const renderMs = (ms: number): string => `${Math.round(ms)} ms`
