import { describe, expect, test } from 'bun:test'
import { eventually, type FaultProxy, startFaultProxy } from '../src/testing/index.ts'
import { type EchoServer, openClient, startEcho } from './support/echo.ts'

const refusal = (port: number): Promise<string | undefined> =>
  openClient(port).then(
    (client) => {
      client.socket.destroy()
      return 'accepted'
    },
    (error: NodeJS.ErrnoException) => error.code,
  )

async function withProxy(fn: (proxy: FaultProxy, echo: EchoServer) => Promise<void>): Promise<void> {
  await using echo = await startEcho()
  await using proxy = await startFaultProxy({ target: echo })
  await fn(proxy, echo)
}

describe('a fault proxy', () => {
  test('forwards both ways, counts connections, and leads a URL through itself', () =>
    withProxy(async (proxy, echo) => {
      using first = await openClient(proxy.port)
      using second = await openClient(proxy.port)
      await Promise.all([first.ask('one'), second.ask('two')])
      expect({ first: first.heard.last, second: second.heard.last }).toEqual({ first: 'one', second: 'two' })
      expect(proxy).toMatchObject({ connections: 2, accepted: 2, mode: 'forward', host: '127.0.0.1' })
      first.socket.end()
      await eventually(() => proxy.connections === 1 && echo.open.size === 1)
      expect(proxy.accepted).toBe(2)
      const url = `postgres://me:p%40ss@db.example:5432/it?sslmode=disable`
      expect(proxy.url(url)).toBe(`postgres://me:p%40ss@127.0.0.1:${proxy.port}/it?sslmode=disable`)
    }))

  test('counts as a round trip what was said before the answer came', () =>
    withProxy(async (proxy, echo) => {
      using first = await openClient(proxy.port)
      using second = await openClient(proxy.port)
      for (const text of ['a', 'b', 'c']) await first.ask(text)
      await proxy.set('freezeAll')
      const { accepted } = proxy
      // They arrive one after the other, and no answer goes back.
      proxy.links[1]?.freeze('toTarget', false)
      for (const text of ['x', 'y']) {
        second.socket.write(text)
        await eventually(() => echo.heard.endsWith(text))
      }
      await proxy.set('forward')
      await eventually(() => second.heard.last === 'xy')
      expect({ total: proxy.roundTrips, each: proxy.roundTripsEach, accepted }).toEqual({
        total: 4,
        each: [3, 1],
        accepted: 2,
      })
    }))

  test(
    'passes on megabytes to a reader that starts late, and the end after them',
    () =>
      withProxy(async (proxy, echo) => {
        using client = await openClient(proxy.port)
        const megabytes = 24 * 1024 * 1024
        client.socket.pause()
        client.socket.end(Buffer.alloc(megabytes, 'x'))
        await eventually(() => echo.heard.length > 0)
        client.socket.resume()
        await eventually(() => client.ended !== null)
        expect({ bytes: client.heard.bytes, ended: client.ended }).toEqual({ bytes: megabytes, ended: 'end' })
        await eventually(() => proxy.connections === 0 && echo.open.size === 0)
      }),
    120_000,
  )

  test('delays each way', () =>
    withProxy(async (proxy) => {
      using client = await openClient(proxy.port)
      await client.ask('fast')
      await proxy.set({ delayMs: 40 })
      const startedAt = performance.now()
      await client.ask('slow')
      // Not early; how late is the machine's.
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79)
      await proxy.set('forward')
      await client.ask('fast again')
      expect(client.heard.last).toBe('fastslowfast again')
    }))

  test('throttles, in order', () =>
    withProxy(async (proxy) => {
      using client = await openClient(proxy.port)
      await proxy.set({ bytesPerSecond: 10_000 })
      const text = Array.from({ length: 250 }, (_, i) => `${1_000 + i}`).join('')
      const startedAt = performance.now()
      await client.ask(text)
      // 1000 bytes at 10 000 a second, less the first part, which goes at once.
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(75)
      expect(client.heard.last).toBe(text)
    }))

  test('refuses a delay below 0 and a rate of 0', () =>
    withProxy(async (proxy) => {
      await expect(proxy.set({ delayMs: -1 })).rejects.toThrow(RangeError)
      await expect(proxy.set({ bytesPerSecond: 0 })).rejects.toThrow(RangeError)
      expect(proxy.mode).toBe('forward')
    }))

  test('freezes what exists in both directions, forwards what comes, and lets the held go on', () =>
    withProxy(async (proxy, echo) => {
      using old = await openClient(proxy.port)
      await old.ask('before')
      await proxy.set('freezeOld')
      old.socket.write('held')
      for (const socket of echo.open) socket.write('pushed')
      await eventually(() => proxy.roundTrips === 2)
      using young = await openClient(proxy.port)
      await young.ask('young')
      expect({ old: old.heard.last, server: echo.heard }).toEqual({ old: 'before', server: 'beforeyoung' })
      await proxy.set('forward')
      await eventually(() => old.heard.last === 'beforepushedheld')
    }))

  test('keeps the ends of frozen connections from the other side', () =>
    withProxy(async (proxy, echo) => {
      const [leaver, stayer] = [await openClient(proxy.port), await openClient(proxy.port)]
      await Promise.all([leaver.ask('l'), stayer.ask('s')])
      await proxy.set('freezeOld')
      leaver.socket.destroy()
      for (const socket of echo.open) socket.end()
      await eventually(() => proxy.connections === 1)
      using young = await openClient(proxy.port)
      await young.ask('young')
      expect({ stayer: stayer.ended, servers: echo.open.size }).toEqual({ stayer: null, servers: 3 })
      await proxy.set('forward')
      await eventually(() => stayer.ended === 'end' && echo.open.size === 1)
    }))

  test('freezes all: a new connection is accepted and silent', () =>
    withProxy(async (proxy, echo) => {
      using old = await openClient(proxy.port)
      await old.ask('old')
      await proxy.set('freezeAll')
      using young = await openClient(proxy.port)
      young.socket.write('young')
      old.socket.write('held')
      await eventually(() => proxy.roundTrips === 3)
      expect({ heard: echo.heard, old: old.heard.last, young: young.heard.bytes }).toEqual({
        heard: 'old',
        old: 'old',
        young: 0,
      })
      await proxy.set('freezeOld')
      using third = await openClient(proxy.port)
      await third.ask('third')
      expect(young.heard.bytes).toBe(0)
      await proxy.set('forward')
      await eventually(() => young.heard.last === 'young' && old.heard.last === 'oldheld')
    }))

  test('cuts with a reset on both sides, and forwards the next', () =>
    withProxy(async (proxy, echo) => {
      const clients = await Promise.all([1, 2, 3].map(() => openClient(proxy.port)))
      await Promise.all(clients.map((client) => client.ask('x')))
      await proxy.set('cut')
      await eventually(() => clients.every(({ ended }) => ended === 'ECONNRESET') && echo.open.size === 0)
      expect(echo.ends).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET'])
      using next = await openClient(proxy.port)
      await next.ask('next')
      expect(proxy).toMatchObject({ connections: 1, accepted: 4 })
    }))

  test.each([
    { direction: 'toTarget', client: 'ECONNRESET', server: 'end' },
    { direction: 'toClient', client: 'end', server: 'ECONNRESET' },
  ] as const)(
    'cuts after so many bytes $direction: the receiver gets those and the end, the sender a reset, and nothing follows',
    ({ direction, client: clientEnd, server: serverEnd }) =>
      withProxy(async (proxy, echo) => {
        using cut = await openClient(proxy.port)
        using other = await openClient(proxy.port)
        await cut.ask('first')
        await other.ask('other')
        proxy.links[0]?.cutAfter(direction, 4)
        cut.socket.write('abcdefgh')
        await eventually(() => cut.ended !== null && echo.ends.length === 1)
        const received = direction === 'toTarget' ? echo.heard : cut.heard.last
        expect({ received: received.endsWith('abcd'), client: cut.ended, server: echo.ends }).toEqual({
          received: true,
          client: clientEnd,
          server: [serverEnd],
        })
        await other.ask('still there')
        await eventually(() => proxy.connections === 1)
      }),
  )

  test('cuts a connection from its first byte on, as a new one is announced before it', async () => {
    await using echo = await startEcho()
    await using proxy = await startFaultProxy({
      target: echo,
      onLink: (link) => link.cutAfter('toTarget', 2),
    })
    using client = await openClient(proxy.port)
    client.socket.write('hello')
    await eventually(() => client.ended === 'ECONNRESET' && echo.open.size === 0)
    expect(echo.heard).toBe('he')
  })

  test('freezes one direction: what the client says arrives, and the answer comes when it is let go on', () =>
    withProxy(async (proxy, echo) => {
      using client = await openClient(proxy.port)
      await client.ask('before')
      proxy.links[0]?.freeze('toClient', true)
      client.socket.write('said')
      await eventually(() => echo.heard === 'beforesaid')
      expect(client.heard.last).toBe('before')
      proxy.links[0]?.freeze('toTarget', true)
      proxy.links[0]?.freeze('toClient', false)
      await eventually(() => client.heard.last === 'beforesaid')
      client.socket.write('held')
      await eventually(() => proxy.roundTrips === 3)
      expect(echo.heard).toBe('beforesaid')
      await proxy.set('forward')
      await eventually(() => client.heard.last === 'beforesaidheld')
    }))

  test('forgets a cut that is due when a mode is set', () =>
    withProxy(async (proxy) => {
      using client = await openClient(proxy.port)
      await client.ask('x')
      proxy.links[0]?.cutAfter('toTarget', 3)
      await proxy.set('forward')
      await client.ask('longer than three')
      expect(client.ended).toBeNull()
    }))

  test('mutes the next connections and serves those after them', () =>
    withProxy(async (proxy, echo) => {
      proxy.muteNext(2)
      using first = await openClient(proxy.port)
      using second = await openClient(proxy.port)
      using third = await openClient(proxy.port)
      for (const client of [first, second]) client.socket.write('hello?')
      await third.ask('third')
      expect({ heard: echo.heard, muted: first.heard.bytes + second.heard.bytes }).toEqual({
        heard: 'third',
        muted: 0,
      })
      expect(proxy).toMatchObject({ connections: 3, accepted: 3 })
    }))

  test('refuses new connections while the old go on, cuts those meanwhile, and opens the same port again', () =>
    withProxy(async (proxy) => {
      using old = await openClient(proxy.port)
      await proxy.set('refuse')
      expect(await refusal(proxy.port)).toBe('ECONNREFUSED')
      await old.ask('still there')
      expect(proxy.cut()).toBe(1)
      await eventually(() => old.ended === 'ECONNRESET')
      expect(await refusal(proxy.port)).toBe('ECONNREFUSED')
      await proxy.set('forward')
      using next = await openClient(proxy.port)
      await next.ask('back')
      expect(proxy.connections).toBe(1)
    }))

  test('accepts and closes: no connection reaches the target', () =>
    withProxy(async (proxy, echo) => {
      using old = await openClient(proxy.port)
      await old.ask('old')
      await proxy.set('acceptThenClose')
      using closed = await openClient(proxy.port)
      await eventually(() => closed.ended !== null)
      await old.ask('goes on')
      expect({ accepted: proxy.accepted, connections: proxy.connections, servers: echo.open.size }).toEqual({
        accepted: 2,
        connections: 1,
        servers: 1,
      })
    }))

  test('accepts and stays mute: what is said is swallowed, for good', () =>
    withProxy(async (proxy, echo) => {
      await proxy.set('acceptThenMute')
      using muted = await openClient(proxy.port)
      muted.socket.write('hello?')
      await eventually(() => proxy.connections === 1)
      await proxy.set('forward')
      using next = await openClient(proxy.port)
      await next.ask('next')
      expect({ heard: echo.heard, muted: muted.heard.bytes, connections: proxy.connections }).toEqual({
        heard: 'next',
        muted: 0,
        connections: 2,
      })
      muted.socket.end()
      await eventually(() => proxy.connections === 1)
    }))

  test('resets the client when the target refuses or resets', async () => {
    const echo = await startEcho()
    await using proxy = await startFaultProxy({ target: echo })
    using client = await openClient(proxy.port)
    await client.ask('x')
    for (const socket of echo.open) socket.resetAndDestroy()
    await eventually(() => client.ended === 'ECONNRESET')
    await echo[Symbol.asyncDispose]()
    using late = await openClient(proxy.port)
    await eventually(() => late.ended === 'ECONNRESET')
    await eventually(() => proxy.connections === 0)
  })

  test('leaves no socket and no timer, whatever mode it was in', async () => {
    await using echo = await startEcho()
    for (const mode of ['forward', 'freezeAll', 'refuse', 'acceptThenMute', { delayMs: 60_000 }] as const) {
      const proxy = await startFaultProxy({ target: echo })
      const before = await openClient(proxy.port)
      await before.ask('x')
      await proxy.set(mode)
      const after = mode === 'refuse' ? null : await openClient(proxy.port)
      for (const client of [before, after]) client?.socket.write('under way')
      await proxy[Symbol.asyncDispose]()
      await eventually(() => before.ended === 'ECONNRESET' && echo.open.size === 0)
      expect({ connections: proxy.connections, port: await refusal(proxy.port) }).toEqual({
        connections: 0,
        port: 'ECONNREFUSED',
      })
      await expect(proxy.set('forward')).rejects.toThrow('disposed')
    }
    // A timer of the delay left behind would keep this program alive for an hour.
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/support/delayed-proxy.ts`], {
      timeout: 90_000,
    })
    expect(await child.exited).toBe(0)
  }, 180_000)
})
