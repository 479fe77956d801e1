/** The metrics in a text of Prometheus' format, each with the labels that its samples have. */
export type Exported = ReadonlyMap<string, ReadonlySet<string>>

const parts = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] } as const

/** Reads what `/metrics` answered. A metric without a sample yet counts too: its type is announced. */
export function readExported(text: string): Exported {
  const exported = new Map<string, Set<string>>()
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const suffixes = type === 'histogram' || type === 'summary' ? parts[type] : ['']
    for (const suffix of suffixes) exported.set(`${name}${suffix}`, new Set())
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = exported.get(name) ?? new Set<string>()
    for (const [, label = ''] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label)
    exported.set(name, known)
  }
  return exported
}
