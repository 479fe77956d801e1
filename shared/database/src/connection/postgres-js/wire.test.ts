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
  const wire = new Wire({ name: '127.0.0.1', port }, null)
  try {
    await wire.opened
    const socket = wire.asSocket(Promise.resolve(Buffer.alloc(0)))
    socket.write(Buffer.from('the StartupMessage, in whose place the login was made'))
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

test('what arrives while nobody listens is kept, and the driver gets it behind what was said at the login', async () => {
  const clients: Socket[] = []
  const server = createServer((client) => clients.push(client.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const wire = new Wire({ name: '127.0.0.1', port }, null)
  try {
    await wire.opened
    const received: string[] = []
    const login = Promise.withResolvers<Buffer>()
    const socket = wire.asSocket(login.promise)
    socket.on('data', ((bytes: Buffer) => received.push(bytes.toString())) as never)
    socket.write(Buffer.from('the StartupMessage'))
    await eventually(() => clients.length === 1)
    clients[0]?.write('late,')
    await eventually(() => wire.bytesRead === 5)
    login.resolve(Buffer.from('login,'))
    await eventually(() => received.length === 2)
    clients[0]?.write('later')
    await eventually(() => received.length === 3)
    expect(received).toEqual(['login,', 'late,', 'later'])
  } finally {
    wire.destroy()
    for (const client of clients) client.destroy()
    server.close()
  }
})
