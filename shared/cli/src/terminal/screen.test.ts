import { expect, test } from 'bun:test'
import { openScreen } from './screen.ts'

function capture(terminal: { isTTY?: boolean; rows?: number }) {
  const written: string[] = []
  return { ...terminal, write: (text: string) => written.push(text), written }
}

test('a terminal is drawn over in place, cut to its height, and keeps the last text when it ends', () => {
  const output = capture({ isTTY: true, rows: 3 })
  {
    using screen = openScreen(output)
    screen.draw('one\ntwo\nthree')
  }
  expect(output.written).toEqual([
    '\u001b[?1049h\u001b[?25l',
    '\u001b[?2026h\u001b[Hone\u001b[K\ntwo\u001b[K\n\u001b[J\u001b[?2026l',
    '\u001b[?25h\u001b[?1049lone\ntwo\nthree\n',
  ])
})

test('what is no terminal gets one text after the other and no control characters', () => {
  const output = capture({})
  {
    using screen = openScreen(output)
    screen.draw('one')
    screen.draw('two')
  }
  expect(output.written.join('')).toBe('one\n\ntwo\n')
})
