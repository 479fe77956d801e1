/** What a PromQL expression asks for. */
export interface Query {
  /** Each metric with the labels it is selected by. */
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[]
  /** Labels that results are grouped or matched by. */
  readonly grouping: readonly string[]
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'time'])
const groupings = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g

/** Reads the metrics and labels out of an expression; it is promtool that judges whether the expression is right. */
export function readQuery(expression: string): Query {
  // What is in quotes may look like anything; durations and Grafana's variables like names.
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b\d+[smhdwy]\b/g, '')
  const grouping = [...bare.matchAll(groupings)].flatMap(([, list = '']) => namesIn(list))
  const selectors = [
    ...bare.replace(groupings, '').matchAll(/([a-zA-Z_:][\w:]*)\s*(\(|\{[^}]*\})?/g),
  ].flatMap(([, metric = '', after = '']) => {
    if (after === '(' || words.has(metric)) return []
    return [{ metric, labels: [...after.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label) }]
  })
  return { selectors, grouping }
}

const namesIn = (list: string): string[] => list.split(',').flatMap((name) => name.trim() || [])
