import { create } from '../elements.ts'
import { isFields } from './describe-report.ts'
import { describeValue } from './values.ts'

/** A column of a table: the field that it shows, and its heading. */
export type Column = readonly [key: string, heading: string, absent?: string]

/** The tables of the report. */
export const columns = {
  advice: [
    ['level', 'Level'],
    ['advice', 'Advice'],
  ],
  locks: [
    ['pid', 'Process'],
    ['doing', 'What it does'],
    ['session', 'Session'],
    ['statement', 'Statement'],
  ],
  statements: [
    ['pid', 'Process'],
    ['state', 'State'],
    ['ageMs', 'For'],
    ['waitEvent', 'Waits for', 'nothing'],
    ['text', 'Statement'],
  ],
  queries: [
    ['calls', 'Calls'],
    ['errors', 'Failed'],
    ['runMs', 'Ran, in all'],
    ['waitMs', 'Waited, in all'],
    ['longestMs', 'Longest run'],
    ['statement', 'Statement', 'all others'],
  ],
  hosts: [
    ['host', 'Host'],
    ['role', 'Role'],
    ['timeline', 'Time line', 'not known'],
    ['lagMs', 'Behind by', '–'],
    ['code', 'Error', 'none'],
  ],
  pools: [
    ['host', 'Host'],
    ['total', 'Open'],
    ['checkedOut', 'In use'],
    ['idle', 'Idle'],
    ['waiting', 'Queue'],
  ],
  events: [
    ['at', 'When'],
    ['type', 'What'],
    ['code', 'Code', '–'],
    ['detail', 'Detail', '–'],
  ],
} as const satisfies Record<string, readonly Column[]>

/** A table of a list of the report; a sentence where it is empty or no list. */
export function showTable(rows: unknown, shown: readonly Column[]): HTMLElement {
  if (!Array.isArray(rows)) return create('p', 'none', 'Not known.')
  if (rows.length === 0) return create('p', 'none', 'None.')
  const heading = shown.map(([key, text]) => {
    const cell = create('th', key, text)
    cell.scope = 'col'
    return cell
  })
  const lines = rows
    .filter(isFields)
    .map((row) => create('tr', '', ...shown.map((column) => cellOf(row, column))))
  return create('table', '', create('thead', '', create('tr', '', ...heading)), create('tbody', '', ...lines))
}

function cellOf(row: Record<string, unknown>, [key, heading, absent = '–']: Column): HTMLElement {
  const cell = create('td', key, describeValue(key, row[key], absent))
  // Where the screen is narrow there is no row of headings.
  cell.dataset.heading = heading
  return cell
}
