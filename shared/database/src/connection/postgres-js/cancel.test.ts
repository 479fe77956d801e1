import { expect, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { eventually } from '@shared/postgres/testing'
import { cancelBackend } from './cancel.ts'
import { Wire } from './wire.ts'

/** A server on 127.0.0.1 that takes requests and answers none. */
async function startMute() {
  const sockets: Socket[] = []
  let bytes = 0
  const server = createServer((socket) => {
    sockets.push(socket)
    socket
      .on('error', () => {})
      .on('data', (data) => {
        bytes += data.length
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    sockets,
    target: { host: '127.0.0.1', port, database: 'd', user: 'u', password: '' } as never,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a cancel request without an answer is given up, and not hung up on: its connection ends when the server ends it', async () => {
  await using mute = await startMute()
  const wire = new Wire(mute.target, null)
  expect(await cancelBackend(wire, { pid: 1, secret: 2 })).toBe(false)
  await eventually(() => mute.bytes() === 16)
  const [socket] = mute.sockets
  socket?.write('!')
  await eventually(() => wire.bytesRead === 1)
  socket?.end()
  await wire.closed
})
