import type { Advice } from '../monitor-report.ts'
import type { ServiceView } from '../wire.ts'
import { create, find } from './elements.ts'
import { formatTime, formatValue, words } from './format.ts'

type Fields = Record<string, unknown>

/** The dialog with the detailed report of one service. */
export interface DetailsDialog {
  /** Opens it; the browser gives the focus back to where it was when it closes. */
  open(view: ServiceView): void
}

/** Makes the page's dialog work. */
export function createDetails(): DetailsDialog {
  const dialog = find<HTMLDialogElement>(document, '#details')
  const body = find(dialog, '.body')
  let view: ServiceView | null = null
  const load = async (): Promise<void> => {
    const asked = view
    if (asked === null) return
    body.setAttribute('aria-busy', 'true')
    const shown = await request(asked)
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

async function request({ name, report: seen }: ServiceView): Promise<Node[]> {
  try {
    const response = await fetch(`/services/${encodeURIComponent(name)}`)
    const report: Fields = await response.json()
    return response.ok ? render(report, seen?.advice ?? []) : [create('p', 'problem', String(report.reason))]
  } catch {
    return [create('p', 'problem', 'The console itself does not answer.')]
  }
}

function render(report: Fields, advice: readonly Advice[]): Node[] {
  const { statements, events, ...rest } = report
  const plain = Object.entries(rest).filter(([, value]) => !isFields(value))
  const groups = Object.entries(rest).filter((entry): entry is [string, Fields] => isFields(entry[1]))
  return [
    ...(advice.length === 0 ? [] : [section('Advice', table([...advice], ['level', 'text']))]),
    section('Running statements', table(statements, ['pid', 'state', 'ageMs', 'waitEvent', 'text'])),
    create(
      'div',
      'groups',
      section('Health', list(Object.fromEntries(plain))),
      ...groups.map(([title, fields]) => section(title, list(fields))),
    ),
    section('Events', table(isList(events) ? events.toReversed() : events, ['at', 'type', 'code'])),
  ]
}

const section = (title: string, content: Node): HTMLElement =>
  create('section', '', create('h3', '', title), content)

function table(rows: unknown, columns: readonly string[]): HTMLElement {
  if (!isList(rows)) return create('p', 'none', 'Not known.')
  if (rows.length === 0) return create('p', 'none', 'None.')
  const heading = columns.map((column) => {
    const cell = create('th', column, column === 'ageMs' ? 'age' : words(column))
    cell.scope = 'col'
    return cell
  })
  const lines = rows.filter(isFields).map((row) => {
    const cells = columns.map((column) =>
      create('td', column, column === 'at' ? formatTime(String(row.at)) : formatValue(column, row[column])),
    )
    return create('tr', '', ...cells)
  })
  return create('table', '', create('thead', '', create('tr', '', ...heading)), create('tbody', '', ...lines))
}

/** Names and values; what is nested comes after what it belongs to, with both names. */
function list(fields: Fields): HTMLElement {
  return create(
    'dl',
    '',
    ...entries(fields).map(([key, value]) =>
      create('div', '', create('dt', '', key), create('dd', '', value)),
    ),
  )
}

function entries(fields: Fields, prefix = ''): [string, string][] {
  return Object.entries(fields).flatMap(([key, value]): [string, string][] => {
    if (isFields(value)) return entries(value, `${prefix}${words(key)} `)
    const shown = isList(value) ? value.map(String).join(', ') || 'none' : formatValue(key, value)
    return [[`${prefix}${words(key)}`, shown]]
  })
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value)

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
