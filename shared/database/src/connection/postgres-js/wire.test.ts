import { expect, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { eventually } from '@shared/postgres/testing'
import { Wire } from './wire.ts'

test('what is written ahead goes out in one packet with what is written next, and with nothing after it', async () => {
  const received: string[] = []
  const clients: Socket[] = []
  const server = createServer((client) => {
    clients.push(client)
    client.on('data', (bytes) => received.push(bytes.toString()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const wire = new Wire(
    {
      host: '127.0.0.1',
      port,
      database: 'd',
      user: 'u',
      password: '',
      passwordFile: undefined,
      sslMode: undefined,
    },
    null,
  )
  try {
    await wire.opened
    const socket = wire.asSocket()
    wire.writeAhead(Buffer.from('BEGIN,'))
    await eventually(() => clients.length === 1)
    expect(received).toEqual([])
    socket.write(Buffer.from('first'))
    await eventually(() => received.join('').endsWith('first'))
    socket.write(Buffer.from('second'))
    await eventually(() => received.join('').endsWith('second'))
    expect(received).toEqual(['BEGIN,first', 'second'])
  } finally {
    wire.destroy()
    for (const client of clients) client.destroy()
    server.close()
  }
})
