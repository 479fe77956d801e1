import { inWords, labelOf, sections } from './labels.ts'
import { describeValue } from './values.ts'

export type Fields = Record<string, unknown>

/** A part of the report in words. */
export interface ReportSection {
  readonly title: string
  readonly entries: readonly { readonly name: string; readonly text: string }[]
}

/**
 * Puts the fields of a report into words, by section: each with a name and its value with a unit. A group that is not known gets a
 * section with the words of its key; what is counted by kind has the kinds that there were.
 */
export function describeReport(report: Fields): ReportSection[] {
  const found = new Map<string, { name: string; text: string }[]>(
    Object.values(sections).map((title) => [title, []]),
  )
  for (const [path, value] of leaves(report)) {
    const label = labelOf(path)
    if (label === null || (value === 0 && isCountedByKind(path))) continue
    const title = titleOf(path)
    const entries = found.get(title) ?? []
    entries.push({ name: label.name, text: describeValue(path, value, label.absent) })
    found.set(title, entries)
  }
  return [...found]
    .filter(([, entries]) => entries.length > 0)
    .map(([title, entries]) => ({ title, entries }))
}

/** The fields that hold no others, by their paths. */
export function leaves(fields: Fields, prefix = ''): [path: string, value: unknown][] {
  return Object.entries(fields).flatMap(([key, value]): [string, unknown][] => {
    const path = `${prefix}${key}`
    return isFields(value) ? leaves(value, `${path}.`) : [[path, value]]
  })
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCountedByKind = (path: string): boolean => path.startsWith('pool.counters.closes.')

/** That of the innermost part which is a section; the parts of the first section have none of their own. */
function titleOf(path: string): string {
  const [group = '', ...rest] = path.split('.')
  for (let parts = [group, ...rest].slice(0, -1); parts.length > 0; parts = parts.slice(0, -1)) {
    const title = sections[parts.join('.')]
    if (title !== undefined) return title
  }
  return rest.length === 0 || inHealth.has(group) ? (sections[''] ?? '') : inWords(group)
}

const inHealth: ReadonlySet<string> = new Set(['database', 'migrations'])
