/** How long ago, in whole seconds, minutes or hours. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`
}

/** Cuts a text to a width, with an ellipsis. */
export function clip(text: string, width: number): string {
  return Bun.stringWidth(text) <= width ? text : `${Bun.sliceAnsi(text, 0, Math.max(width - 1, 0))}…`
}

/** Fills a text up with blanks: to its right, or to its left. */
export function fit(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(width - Bun.stringWidth(text), 0))
  return side === 'left' ? text + blanks : blanks + text
}

/** Breaks a text into lines of at most a width, the first after `lead`, the others under its text. */
export function wrap(lead: string, text: string, width: number): string[] {
  const indent = Bun.stringWidth(lead)
  const lines = Bun.wrapAnsi(text, Math.max(width - indent, 20), { hard: true }).split('\n')
  return lines.map((line, index) => (index === 0 ? lead : ' '.repeat(indent)) + line)
}

/** Lays rows out in columns; the first row is the heading. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell))
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
