import { describe, expect, test } from 'bun:test'
import { AnswerScan } from './answer-scan.ts'

function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(4 + bytes.length, 1)
  return Buffer.concat([head, bytes])
}

const errorOf = (severity: string, code: string) =>
  message('E', `S${severity}\0V${severity}\0C${code}\0Mterminating connection\0\0`)

const fatal = errorOf('FATAL', '57P01')
const complete = message('C', 'INSERT 0 1\0')
const ready = message('Z', 'I')
// A value in a row may be whatever bytes there are.
const row = message('D', Buffer.concat([Buffer.from([0, 1, 0, 0, 0, fatal.length]), fatal, complete]))
const asides = [
  message('N', 'SNOTICE\0VNOTICE\0C57P01\0\0'),
  message('S', 'TimeZone\0UTC\0'),
  message('A', 'abcdc\0p\0'),
]

/** What is found where the server's bytes arrive in two parts, for each place to part them, and one by one. */
function found(bytes: Buffer): unknown[] {
  const partings = Array.from({ length: bytes.length + 1 }, (_, at) => [
    bytes.subarray(0, at),
    bytes.subarray(at),
  ])
  partings.push(Array.from(bytes, (byte) => Buffer.from([byte])))
  const all = partings.map((parts) => {
    const scan = new AnswerScan()
    const codes = parts.map((part) => scan.read(part)?.code).filter((code) => code !== undefined)
    return JSON.stringify({ codes, isComplete: scan.isComplete })
  })
  return [...new Set(all)].map((one) => JSON.parse(one))
}

describe('what a server says, however it is parted', () => {
  test.each([
    [
      'the end of a session under a statement',
      [row, ...asides, fatal],
      { codes: ['57P01'], isComplete: false },
    ],
    ['… behind what was complete', [row, complete, ...asides, fatal], { codes: ['57P01'], isComplete: true }],
    [
      '… between two statements',
      [complete, ready, ...asides, fatal],
      { codes: ['57P01'], isComplete: false },
    ],
    ['… in the second of one text', [complete, row, fatal], { codes: ['57P01'], isComplete: true }],
    ['a statement that fails', [row, errorOf('ERROR', '57P01'), ready], { codes: [], isComplete: false }],
    ['values and notices that look like it', [row, ...asides, row], { codes: [], isComplete: false }],
  ])('%s is found once', (_, messages, expected) => {
    expect(found(Buffer.concat(messages))).toEqual([expected])
  })
})
