import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@shared/postgres/testing'
import { type Address, dial, type LookUp, type Network, realNetwork } from './dial.ts'

const opened: Server[] = []

/** A server that counts who is connected to it. */
async function listen(at: { host: string; port?: number } | { path: string }) {
  let clients = 0
  const server = createServer((socket) => {
    clients++
    socket.on('error', () => {}).on('close', () => clients--)
    socket.resume()
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen('path' in at ? at : { port: 0, ...at }, resolve),
  )
  opened.push(server)
  return { port: (server.address() as AddressInfo).port, clients: () => clients }
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** Where it leads, and what was tried; its socket is closed. */
async function outcomeOf(attempt: ReturnType<typeof dial>) {
  const won = await attempt.opened.catch((error: Error & { code?: string }) => error)
  if (won instanceof Error) return { error: won.code, message: won.message, tried: attempt.tried() }
  won.socket.destroy()
  return { address: won.address, tried: attempt.tried() }
}

const name = (port: number) => ({ name: 'db.test', port })
/** The network, where a name leads to these addresses; those that begin with 192 or 2001 never answer. */
const leadingTo = (...ips: string[]): Network => withLookUp(async () => ips)
const withLookUp = (lookUp: LookUp): Network => ({
  lookUp,
  connect: (address) =>
    'ip' in address && /^(192|2001)/.test(address.ip) ? new Socket() : realNetwork.connect(address),
})
const nobody = '192.0.2.1'

describe('dial', () => {
  test('looks the name up at each call, and follows it where it leads elsewhere', async () => {
    const first = await listen({ host: '127.0.0.1' })
    await listen({ host: '127.0.0.2', port: first.port })
    let leadsTo = '127.0.0.1'
    const network = withLookUp(async () => [leadsTo])
    const before = await outcomeOf(dial(name(first.port), network))
    leadsTo = '127.0.0.2'
    const after = await outcomeOf(dial(name(first.port), network))
    expect<unknown>([before.address, after.address]).toEqual([
      { ip: '127.0.0.1', port: first.port },
      { ip: '127.0.0.2', port: first.port },
    ])
  })

  test('tries the next address at once where one refuses', async () => {
    const { port } = await listen({ host: '127.0.0.3' })
    // No head start ends, however long the machine takes to refuse: that is all that the next can begin by.
    const { setTimeout } = globalThis
    globalThis.setTimeout = (() => undefined) as never
    try {
      expect<unknown>(
        await outcomeOf(dial(name(port), leadingTo('127.0.0.1', '127.0.0.2', '127.0.0.3'))),
      ).toEqual({
        address: { ip: '127.0.0.3', port },
        tried: ['127.0.0.1 (ECONNREFUSED)', '127.0.0.2 (ECONNREFUSED)', '127.0.0.3 (connected)'],
      })
    } finally {
      globalThis.setTimeout = setTimeout
    }
  })

  test('does not wait for an address that does not answer', async () => {
    const { port } = await listen({ host: '127.0.0.1' })
    expect<unknown>(await outcomeOf(dial(name(port), leadingTo(nobody, '127.0.0.1')))).toEqual({
      address: { ip: '127.0.0.1', port },
      tried: [`${nobody} (no answer)`, '127.0.0.1 (connected)'],
    })
  })

  test('lets the families take turns, beginning with that of the first', async () => {
    const ips = ['2001:db8::1', '2001:db8::2', nobody, '127.0.0.1']
    const { port } = await listen({ host: '127.0.0.1' })
    const { tried } = await outcomeOf(dial(name(port), leadingTo(...ips)))
    expect(tried.map((one) => one.replace(/ .*/, ''))).toEqual([
      '2001:db8::1',
      nobody,
      '2001:db8::2',
      '127.0.0.1',
    ])
  })

  test('keeps the first that connects, and closes the others', async () => {
    const { port, clients } = await listen({ host: '127.0.0.1' })
    const other = await listen({ host: '127.0.0.2', port })
    const { socket } = await dial(name(port), leadingTo('127.0.0.1', '127.0.0.2')).opened
    await eventually(() => clients() + other.clients() === 1)
    socket.destroy()
    await eventually(() => clients() + other.clients() === 0)
  })

  test('names every address that failed, and why', async () => {
    const { port } = await listen({ host: '127.0.0.1' })
    expect<unknown>(await outcomeOf(dial(name(port), leadingTo('127.0.0.2', '127.0.0.3')))).toEqual({
      error: 'ECONNREFUSED',
      message: 'No address could be connected to: 127.0.0.2 (ECONNREFUSED), 127.0.0.3 (ECONNREFUSED).',
      tried: ['127.0.0.2 (ECONNREFUSED)', '127.0.0.3 (ECONNREFUSED)'],
    })
    // Longer than a label may be: no name server is asked, which may be busy.
    expect(await outcomeOf(dial({ name: `${'x'.repeat(64)}.invalid`, port: 1 }))).toMatchObject({
      error: 'ENOTFOUND',
    })
  })

  test('looks nothing up for an address, nor for a host whose address is given', async () => {
    const { port } = await listen({ host: '127.0.0.1' })
    const never = withLookUp(() => Promise.reject(new Error('looked up')))
    const address: Address = { ip: '127.0.0.1', port }
    expect<unknown>([
      (await outcomeOf(dial({ name: '127.0.0.1', port }, never))).address,
      (await outcomeOf(dial({ name: 'db.test', port, address: '127.0.0.1' }, never))).address,
      (await outcomeOf(dial(address, never))).address,
    ]).toEqual([address, address, address])
  })

  test('connects to a Unix socket by its folder and port, and to an abstract one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dial-'))
    try {
      await listen({ path: join(folder, '.s.PGSQL.5432') })
      const abstract = `dial-${process.pid}`
      await listen({ path: `\0${abstract}/.s.PGSQL.1` })
      expect<unknown>([
        (await outcomeOf(dial({ name: folder, port: 5432 }))).tried,
        (await outcomeOf(dial({ name: `@${abstract}`, port: 1 }))).tried,
        await outcomeOf(dial({ name: folder, port: 1 })).then(({ error }) => error),
      ]).toEqual([[`${folder}/.s.PGSQL.5432 (connected)`], [`@${abstract}/.s.PGSQL.1 (connected)`], 'ENOENT'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('that is given up leaves no socket, at whichever step', async () => {
    const { port, clients } = await listen({ host: '127.0.0.1' })
    const lookingUp = dial(
      name(port),
      withLookUp(() => new Promise(() => {})),
    )
    lookingUp.abort()
    const connecting = dial({ name: '127.0.0.1', port })
    await eventually(() => connecting.tried().length === 1)
    connecting.abort()
    const connected = dial({ name: '127.0.0.1', port })
    await connected.opened
    connected.abort()
    expect(await lookingUp.opened.catch(({ code }) => code)).toBe('CONNECTION_DESTROYED')
    await eventually(() => clients() === 0)
  })
})
