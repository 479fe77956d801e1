/** A place where a text replaces the one before. */
export interface Screen extends Disposable {
  draw(text: string): void
}

/** What {@link openScreen} writes to; standard output is one. */
export interface ScreenOutput {
  readonly isTTY?: boolean
  readonly rows?: number
  write(text: string): unknown
}

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
/** Terminals that know these show a frame at once, the others ignore them. */
const frame = { begin: '\u001b[?2026h', end: '\u001b[?2026l' }

/**
 * Opens a terminal's second screen and draws over what is there, without flicker; disposing it leaves the last text on
 * the first screen. Where there is no terminal, each text is written after the one before, with a blank line between.
 */
export function openScreen(output: ScreenOutput): Screen {
  let last = ''
  if (output.isTTY !== true) {
    return {
      draw(text) {
        output.write(`${last === '' ? '' : '\n'}${text}\n`)
        last = text
      },
      [Symbol.dispose]: () => undefined,
    }
  }
  output.write(enter)
  return {
    draw(text) {
      last = text
      const lines = text.split('\n').slice(0, Math.max((output.rows ?? 24) - 1, 1))
      const drawn = lines.map((line) => `${line}\u001b[K\n`).join('')
      output.write(`${frame.begin}\u001b[H${drawn}\u001b[J${frame.end}`)
    },
    [Symbol.dispose]() {
      output.write(`${leave}${last === '' ? '' : `${last}\n`}`)
    },
  }
}
