import { expect, test } from 'bun:test'
import { CopyReader, message, rowsOf } from './copy-messages.ts'

test('what is copied and what is said come in order, at every parting of the bytes', () => {
  const bytes = Buffer.concat([
    message('H', '\0\0\0'),
    message('d', 'first\n'),
    message('d', ''),
    message('d', 'second\n'),
    message('S', 'TimeZone\0UTC\0'),
    message('d', 'third\n'),
    message('c'),
    message('C', 'COPY 3\0'),
    message('Z', 'I'),
  ])
  const readBy = (size: number): string => {
    // Kept until all has come: bytes that were handed on are not written to again.
    const seen: Buffer[] = []
    const reader = new CopyReader({
      data: (data) => void seen.push(data),
      message: (type, body, whole) => {
        expect(whole.length).toBe(body.length + 5)
        seen.push(Buffer.from(`[${String.fromCharCode(type)}${type === 0x43 ? rowsOf(body) : ''}]`))
      },
    })
    for (let at = 0; at < bytes.length; at += size) reader.read(Buffer.from(bytes.subarray(at, at + size)))
    return Buffer.concat(seen).toString()
  }
  const sizes = Array.from({ length: bytes.length }, (_, n) => n + 1)
  expect([...new Set(sizes.map(readBy))]).toEqual(['[H]first\nsecond\n[S]third\n[c][C3][Z]'])
})
