import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultDataRoot, findLocalCluster, findPostgres, stopLocalCluster } from '@shared/postgres'
import { eventually, lastingPort } from '@shared/postgres/testing'
import { findServices } from '../src/workspace/services.ts'
import { runCli } from './command-line.ts'
import { startDev } from './dev-process.ts'
import { survivors } from './processes.ts'

// Among the test kit's private servers: what a killed run leaves here, the next one stops and removes.
const dataRoot = resolve(defaultDataRoot(), '../test/servers', `${process.pid}-dev`)
const root = ['--data-root', dataRoot]
const names = (await findServices([])).map(({ service }) => service)

afterEach(async () => void (await stopLocalCluster({ dataRoot, mode: 'immediate' })))
afterAll(() => rmSync(dataRoot, { recursive: true, force: true }))

const status = (url: string): Promise<number> =>
  fetch(url).then(
    (response) => response.status,
    () => 0,
  )
/** What a page gets whose own name was made to point at the service. */
const rebound = (url: string): Promise<number> =>
  fetch(url, { headers: { Host: 'page.example' } }).then(({ status }) => status)
const readiness = (addresses: Record<string, string>): Promise<number[]> =>
  Promise.all(Object.values(addresses).map((url) => status(`${url}/readyz`)))
const until = (addresses: Record<string, string>, expected: number) =>
  eventually(async () => (await readiness(addresses)).every((code) => code === expected))

/** Each role and database between which a login succeeded, by the table of `dev`. */
function reached(output: string): string[] {
  const [head = '', ...rows] =
    /^role {2}.*(?:\n\w+_(?:app|migrator) .*)+/m.exec(output)?.[0].split('\n') ?? []
  const [, ...databases] = head.split(/ +/)
  return rows.flatMap((row) => {
    const [role, ...outcomes] = row.split(/ +/)
    return databases.flatMap((database, at) => (outcomes[at] === 'connected' ? [`${role} ${database}`] : []))
  })
}

/** Warnings and errors; not that something took long, which is for the machine to say. */
const complaints = (output: string): string[] =>
  (output.match(/^.*\b(?:WARN|ERROR)\b.*$/gm) ?? []).filter(
    (line) => !/database: (?:checkout-slow|slow-query|degraded)(?!.* failed)/.test(line),
  )

describe('dev', () => {
  test('starts everything, answers on every health route, and a Ctrl-C leaves no process', async () => {
    await using dev = startDev(root)
    const addresses = await dev.addresses()
    expect(Object.keys(addresses)).toEqual(names)
    for (const url of Object.values(addresses)) {
      const routes = ['/livez', '/readyz', '/health', '/health/detailed']
      expect(await Promise.all(routes.map((route) => status(url + route)))).toEqual([200, 200, 200, 200])
      expect(await rebound(`${url}/health/detailed`)).toBe(421)
    }
    await eventually(() => dev.output().includes('isolated: each role reaches its own database and no other'))
    expect(reached(dev.output())).toEqual(
      names.flatMap((name) => [`${name}_app ${name}_db`, `${name}_migrator ${name}_db`]),
    )
    // Also while readiness is asked for before the database has answered.
    expect(complaints(dev.output())).toEqual([])
    const family = dev.family()
    expect([...family.values()].filter((command) => command.includes('src/index.ts'))).toHaveLength(
      names.length,
    )

    dev.signalGroup('SIGINT')
    expect(await dev.exited).toBe(0)
    expect({ survivors: survivors(family), server: await findPostgres({ dataRoot }) }).toEqual({
      survivors: [],
      server: null,
    })
  }, 120_000)

  test('survives its database: services recover, and SIGTERM still leaves no process', async () => {
    await using dev = startDev(root)
    const addresses = await dev.addresses()
    expect((await runCli(['db:stop', ...root])).stdout).toContain('PostgreSQL stopped')
    await until(addresses, 503)
    const server = /on 127\.0\.0\.1:(\d+)/.exec(dev.output())?.[1] ?? ''
    expect((await runCli(['db:start', ...root])).stdout).toContain(`on 127.0.0.1:${server} (started)`)
    await until(addresses, 200)
    const family = dev.family()

    dev.signal('SIGTERM')
    expect(await dev.exited).toBe(0)
    expect({ survivors: survivors(family), server: await findPostgres({ dataRoot }) }).toEqual({
      survivors: [],
      server: null,
    })
  }, 120_000)

  test('that is killed leaves no service, and a server that the next start takes over', async () => {
    await using killed = startDev(['auth', ...root])
    await killed.addresses()
    const family = killed.family()
    killed.signal('SIGKILL')
    await killed.exited
    await eventually(() => survivors(family).every((command) => command.includes('postgres')))

    await using next = startDev(['auth', ...root])
    await next.addresses()
    expect(next.output()).toContain('(joined)')
    next.signalGroup('SIGINT')
    expect(await next.exited).toBe(0)
    expect(await findPostgres({ dataRoot })).toBeNull()
  }, 120_000)

  test('runs the database with a standby, which takes over on demand while everything runs', async () => {
    await using dev = startDev(['product', '--replicas', '1', ...root])
    const addresses = await dev.addresses()
    const write = async (sku: string): Promise<number> => {
      const body = JSON.stringify({ sku, name: 'Tea', priceMinor: 450, currency: 'EUR' })
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`${addresses.product}/products`, { method: 'POST', headers, body })).status
    }
    const [, first, second] =
      /on 127\.0\.0\.1:(\d+) \(started\), standby on 127\.0\.0\.1:(\d+) \(started\)/.exec(dev.output()) ?? []
    const writes: number[] = []
    let isOver = false
    const writing = (async () => {
      while (!isOver) writes.push(await write(`TEA-${writes.length}`))
    })()
    const lines = [(await runCli(['db:failover', ...root])).stdout]
    isOver = true
    await writing
    lines.push((await runCli(['db:failover', '--kill', ...root])).stdout)
    writes.push(await write('LAST'))
    expect([...new Set(writes)]).toEqual([201])
    expect(lines).toEqual([
      `the primary is on port ${second} now; standbys are on ${first}\n`,
      `the primary is on port ${first} now; standbys are on ${second}\n`,
    ])
    await until(addresses, 200)

    expect((await runCli(['db:stop', ...root])).stdout).toStartWith(
      'PostgreSQL stopped, 2 servers; 1 running',
    )
    await until(addresses, 503)
    expect((await runCli(['db:start', ...root])).stdout).toContain(
      `on 127.0.0.1:${first} (started)\nstandby on 127.0.0.1:${second} (started)\n`,
    )
    await until(addresses, 200)
    const family = dev.family()

    dev.signalGroup('SIGINT')
    expect(await dev.exited).toBe(0)
    expect({ survivors: survivors(family), servers: await findLocalCluster({ dataRoot }) }).toEqual({
      survivors: [],
      servers: { primary: null, standbys: [] },
    })
  }, 120_000)

  test('ends at once at a second Ctrl-C', async () => {
    await using dev = startDev(['auth', ...root], { SHUTDOWN_DELAY: '60', SHUTDOWN_TIMEOUT: '240' })
    await dev.addresses()
    const family = dev.family()
    dev.signalGroup('SIGINT')
    await eventually(() => dev.output().includes('stopping'))
    let ended = false
    dev.exited.then(() => {
      ended = true
    })
    // Signals right after the first are its echo, so it is sent until it counts.
    await eventually(
      () => {
        if (!ended) dev.signalGroup('SIGINT')
        return ended
      },
      { intervalMs: 100 },
    )
    expect(await dev.exited).toBe(130)
    // A server that needs longer than dev gives it is left to the next start.
    await eventually(() => survivors(family).every((command) => command.includes('postgres')))
  }, 120_000)

  test('names the program that has a port, and starts nothing', async () => {
    using holder = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
    await using dev = startDev(['auth', ...root], { PORT: String(holder.port) })
    expect(await dev.exited).toBe(1)
    expect(dev.output()).toContain(`auth: port ${holder.port} is taken by process ${process.pid} (`)
    expect(await findPostgres({ dataRoot })).toBeNull()
  }, 120_000)

  test('shows the report of a service whose environment is wrong, and ends when none is left', async () => {
    await using dev = startDev(['auth', ...root], { DATABASE_POOL_SIZE: '0x3' })
    expect(await dev.exited).toBe(1)
    expect(dev.output()).toMatch(/auth \| +DATABASE_POOL_SIZE +must be a whole number/)
    expect(dev.output()).toContain('auth ended with exit code 78')
    expect(await findPostgres({ dataRoot })).toBeNull()
  }, 120_000)
})

test('db:start takes the port that the server had last', async () => {
  const port = await lastingPort()
  const first = await runCli(['db:start', '--port', String(port), ...root])
  await runCli(['db:stop', ...root])
  const second = await runCli(['db:start', ...root])
  const began = expect.stringContaining(`on 127.0.0.1:${port} (started)`)
  expect([first.stdout, second.stdout]).toEqual([began, began])
}, 120_000)
