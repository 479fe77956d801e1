import { expect, test } from 'bun:test'
import { ResponseReader } from './response-reader.ts'

const answer = 'HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'

test('an answer is whole with the last byte of its body, however it is cut', () => {
  for (let cut = 1; cut < answer.length; cut++) {
    const reader = new ResponseReader()
    expect([
      reader.read(Buffer.from(answer.slice(0, cut))),
      reader.read(Buffer.from(answer.slice(cut))),
      reader.read(Buffer.from(answer)),
    ]).toEqual([null, 201, 201])
  }
})

test('an answer without a body is whole with its head', () => {
  const reader = new ResponseReader()
  expect(reader.read(Buffer.from('HTTP/1.1 204 No Content\r\nX: y\r\n\r\n'))).toBe(204)
  expect(reader.read(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))).toBe(200)
})

test('a chunked answer is refused, as its end would be guessed', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  expect(() => new ResponseReader().read(Buffer.from(chunked))).toThrow('Content-Length')
})
