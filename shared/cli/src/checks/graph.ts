/** Names, each with those that it points to; a name that is only pointed to counts for nothing. */
export type Graph = ReadonlyMap<string, readonly string[]>

/**
 * Finds circles, the shortest one through the first name of each by the alphabet; none only where there is no circle.
 *
 * @returns Each with its first name at both ends: `['a', 'b', 'a']`.
 */
export function findCircles(graph: Graph): string[][] {
  const found = new Set<string>()
  const circles: string[][] = []
  for (const name of [...graph.keys()].sort()) {
    const circle = found.has(name) ? null : shortestCircle(graph, name)
    if (circle === null) continue
    circles.push(circle)
    for (const member of circle) found.add(member)
  }
  return circles
}

/** The number of names on the longest way along the arrows; null where there is a circle. */
export function longestChain(graph: Graph): number | null {
  if (findCircles(graph).length > 0) return null
  const lengths = new Map<string, number>()
  const lengthFrom = (name: string): number => {
    const below = (graph.get(name) ?? []).filter((next) => graph.has(next))
    const length = lengths.get(name) ?? 1 + Math.max(0, ...below.map(lengthFrom))
    lengths.set(name, length)
    return length
  }
  return Math.max(0, ...[...graph.keys()].map(lengthFrom))
}

function shortestCircle(graph: Graph, start: string): string[] | null {
  const before = new Map<string, string>()
  const queue = [start]
  for (const name of queue) {
    for (const next of graph.get(name) ?? []) {
      if (next === start) return [...wayTo(name, before), start]
      if (before.has(next)) continue
      before.set(next, name)
      queue.push(next)
    }
  }
  return null
}

function wayTo(name: string, before: ReadonlyMap<string, string>): string[] {
  const previous = before.get(name)
  return previous === undefined ? [name] : [...wayTo(previous, before), name]
}
