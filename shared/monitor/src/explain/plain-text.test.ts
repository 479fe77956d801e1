import { expect, test } from 'bun:test'
import { escapeHidden, showHidden, showHiddenIn } from './plain-text.ts'

const samples: [text: string, shown: string][] = [
  ['plain, naïve, 漢字, 🎉', 'plain, naïve, 漢字, 🎉'],
  ['a\r\nb\tc', 'a\\r\\nb\\tc'],
  ['\u001b[2J\u0000', '\\u{1b}[2J\\u{0}'],
  ['\u009b31m\u007f', '\\u{9b}31m\\u{7f}'],
  ['\u202eevil\u2066', '\\u{202e}evil\\u{2066}'],
  ['\u2028\u2029\u200b\ufeff', '\\u{2028}\\u{2029}\\u{200b}\\u{feff}'],
  ['\u{e0041}\ud800', '\\u{e0041}\\u{d800}'],
]

test('what a terminal or a page would obey is shown, and nothing else is changed', () => {
  expect(samples.map(([text]) => showHidden(text))).toEqual(samples.map(([, shown]) => shown))
})

test('every text of a value is shown, at every depth, with the names of fields', () => {
  expect(showHiddenIn({ 'a\n': [{ b: '\u202e' }, 1, null, true] })).toEqual({
    'a\\n': [{ b: '\\u{202e}' }, 1, null, true],
  })
})

test('JSON is nothing but printable text, and means the same', () => {
  const json = escapeHidden(JSON.stringify(samples, null, 2))
  expect(JSON.parse(json)).toEqual(samples)
  expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
})
