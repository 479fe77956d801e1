/** Number of letters to insert, drop, change or swap with their neighbour to get from one text to the other. */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}

/**
 * Finds the name somebody most likely meant, or nothing when none is near.
 *
 * Near is: at most a third of the letters after the first word wrong (DATABASE_POOLSIZE), or the same words
 * with some left out or shortened (DATABASE_RECYCLE, DATABASE_PASS).
 */
export function suggest(name: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor((name.length - name.indexOf('_') - 1) / 3))
  const byDistance = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((left, right) => left.distance - right.distance)[0]
  if (byDistance && byDistance.distance <= allowed) return byDistance.candidate
  return (
    known.find((candidate) => shortens(name, candidate)) ??
    known.find((candidate) => shortens(candidate, name))
  )
}

// Every word of the short name begins a word of the long one, in order.
function shortens(short: string, long: string): boolean {
  const words = long.split('_')
  let position = -1
  return short.split('_').every((word) => {
    position = words.findIndex(
      (candidate, index) => index > position && word !== '' && candidate.startsWith(word),
    )
    return position !== -1
  })
}
