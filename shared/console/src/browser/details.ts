import { lockTreeRows } from '../lock-tree.ts'
import type { Advice, Blockage } from '../monitor-report.ts'
import type { ServiceView } from '../wire.ts'
import { create, find } from './elements.ts'
import { describeReport, type Fields, isFields } from './report/describe-report.ts'
import { columns, showTable } from './report/tables.ts'
import { type SlowRequests, showSlowRequests } from './report/waterfall.ts'

/** The dialog with the detailed report of one service. */
export interface DetailsDialog {
  /** Opens it; the browser gives the focus back to where it was when it closes. */
  open(view: ServiceView): void
}

/** Makes the page's dialog work. */
export function createDetails(): DetailsDialog {
  const dialog = find<HTMLDialogElement>(document, '#details')
  const body = find(dialog, '.body')
  /** Which slow requests were opened and closed. */
  const choices = new Map<string, boolean>()
  let view: ServiceView | null = null
  const load = async (): Promise<void> => {
    const asked = view
    if (asked === null) return
    body.setAttribute('aria-busy', 'true')
    const shown = await request(asked, choices)
    if (asked !== view) return
    body.replaceChildren(...shown)
    body.removeAttribute('aria-busy')
  }
  find(dialog, '.refresh').addEventListener('click', () => void load())
  find(dialog, '.close').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', ({ target }) => {
    // Only the backdrop is the dialog itself.
    if (target === dialog) dialog.close()
  })
  return {
    open(asked) {
      view = asked
      find(dialog, 'h2').textContent = asked.name
      body.replaceChildren(create('p', 'none', 'Asking …'))
      if (!dialog.open) dialog.showModal()
      find(dialog, '.close').focus()
      void load()
    },
  }
}

async function request({ name, report: seen }: ServiceView, choices: Map<string, boolean>): Promise<Node[]> {
  try {
    const response = await fetch(`/services/${encodeURIComponent(name)}`)
    const report: Fields = await response.json()
    if (!response.ok) return [create('p', 'problem', String(report.reason))]
    return render(report, seen?.advice ?? [], choices)
  } catch {
    return [create('p', 'problem', 'The console itself does not answer.')]
  }
}

function render(report: Fields, advice: readonly Advice[], choices: Map<string, boolean>): Node[] {
  const { statements, blockages, events, queries, slowRequests, cluster, ...rest } = report
  const newestFirst = Array.isArray(events) ? events.toReversed() : events
  const { hosts, replicas, ...readsAndFailovers } = isFields(cluster) ? cluster : {}
  const numbers = describeReport({ ...rest, cluster: isFields(cluster) ? readsAndFailovers : null })
  return [
    ...adviceSection(advice),
    ...lockSection(blockages),
    section('Running statements', showTable(statements, columns.statements)),
    section('Slow requests', showSlowRequests(slowRequests as SlowRequests | undefined, choices)),
    ...hostSections(hosts, replicas),
    create('div', 'groups', ...numbers.map(({ title, entries }) => section(title, list(entries)))),
    section('Costliest statements since the start', showTable(queries, columns.queries)),
    section('Events', showTable(newestFirst, columns.events)),
  ]
}

/** Nothing where there is none. */
function adviceSection(advice: readonly Advice[]): Node[] {
  const rows = advice.map(({ level, text }) => ({ level, advice: text }))
  return rows.length === 0 ? [] : [section('Advice', showTable(rows, columns.advice))]
}

/** Who keeps whom waiting, each below the one it waits for; nothing where nobody waits for a lock. */
function lockSection(blockages: unknown): Node[] {
  const rows = Array.isArray(blockages) ? lockTreeRows(blockages as Blockage[]) : []
  if (rows.length === 0) return []
  const shown = rows.map(({ depth, ...row }) => ({
    ...row,
    doing: `${'\u00a0\u00a0'.repeat(depth)}${depth > 0 ? '└ ' : ''}${row.doing}`,
  }))
  return [section('Who blocks whom', showTable(shown, columns.locks))]
}

/** Nothing for a database with one host. */
function hostSections(hosts: unknown, replicas: unknown): Node[] {
  if (!Array.isArray(hosts)) return []
  const pools = (Array.isArray(replicas) ? replicas : [])
    .filter(isFields)
    .map(({ host, pool }) => ({ host, ...(isFields(pool) ? pool : {}) }))
  return [
    section('Hosts', showTable(hosts, columns.hosts)),
    ...(pools.length === 0 ? [] : [section('Pools for reads', showTable(pools, columns.pools))]),
  ]
}

const section = (title: string, content: Node): HTMLElement =>
  create('section', '', create('h3', '', title), content)

function list(entries: readonly { readonly name: string; readonly text: string }[]): HTMLElement {
  const lines = entries.map(({ name, text }) =>
    create('div', '', create('dt', '', name), create('dd', '', text)),
  )
  return create('dl', '', ...lines)
}
