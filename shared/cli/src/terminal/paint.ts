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

/** Colours a text, or leaves it as it is. */
export type Painter = (colour: Colour, text: string) => string
