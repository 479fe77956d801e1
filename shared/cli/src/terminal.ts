/** The colours this CLI uses. */
export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey'

const codes: Record<Colour, number> = {
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  grey: 90,
}

/** Whether standard output shows colours: it is a terminal, and NO_COLOR is unset or empty. */
export function showsColours(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR
}

/** Colours a text for standard output, where that shows colours. */
export function paint(colour: Colour, text: string): string {
  return showsColours() ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text
}

/** Lays rows out in columns; the first row is the heading. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, visibleWidth(cell))
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const visibleWidth = (text: string): number => Bun.stringWidth(text)
