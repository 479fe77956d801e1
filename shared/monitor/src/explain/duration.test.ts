import { expect, test } from 'bun:test'
import { formatDuration } from './duration.ts'

test.each<[number | null | undefined, string]>([
  [null, '–'],
  [undefined, '–'],
  [0, '0 ms'],
  [0.417, '0.42 ms'],
  [2.04, '2 ms'],
  [12.34, '12.3 ms'],
  [250.4, '250 ms'],
  [3_250, '3.3 s'],
  [119_000, '119 s'],
  [150_000, '2.5 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 days'],
])('%p ms read %p', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
