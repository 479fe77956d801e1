import type { EnvironmentIssue } from './environment-error.ts'

/** Gathers what is wrong, by variable, while the environment is read in several passes. */
export interface Issues {
  readonly size: number
  add(variable: string, message: string): void
  /** Whether a variable has failed already, so later passes do not call it missing as well. */
  has(variable: string): boolean
  /** One issue a variable: those of `order` first and in that order, then the rest. */
  list(order: readonly string[]): EnvironmentIssue[]
}

/** Creates an empty collection. */
export function createIssues(): Issues {
  const messages = new Map<string, Set<string>>()
  const rank = (order: readonly string[], variable: string) => {
    const index = order.indexOf(variable)
    return index === -1 ? order.length : index
  }
  return {
    get size() {
      return messages.size
    },
    add(variable, message) {
      const known = messages.get(variable)
      if (known) known.add(message)
      else messages.set(variable, new Set([message]))
    },
    has: (variable) => messages.has(variable),
    list: (order) =>
      [...messages]
        .sort(([left], [right]) => rank(order, left) - rank(order, right))
        .map(([variable, texts]) => ({ variable: printable(variable), message: [...texts].join('; ') })),
  }
}

// A name is the caller's data too: a line break in it would forge a line of the report.
function printable(variable: string): string {
  return variable.replace(/[^\w-]/g, '?').slice(0, 80)
}
