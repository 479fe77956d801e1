import { expect, test } from 'bun:test'
import { oldBunMessage } from './bun-version.ts'

test.each([
  ['1.4.5', null],
  ['1.4.0', null],
  ['1.10.0', null],
  ['2.0.0', null],
  ['1.3.9', 'This is Bun 1.3.9, and the project needs 1.4.5 or later: '],
  ['0.8.1', 'This is Bun 0.8.1, and the project needs 1.4.5 or later: '],
])('Bun %s', (version, expected) => {
  const message = oldBunMessage(version, '1.4.5')
  expect(message).toEqual(expected === null ? null : expect.stringContaining(expected))
})
