import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { findBrowser, openPage, startBrowser } from '@shared/console/testing/browser'
import { defaultDataRoot, findLocalCluster, stopLocalCluster } from '@shared/postgres'
import { eventually, lastingPort } from '@shared/postgres/testing'
import { runCli } from './command-line.ts'
import { type DevProcess, startDev } from './dev-process.ts'
import { survivors } from './processes.ts'

// Among the test kit's private servers: what a killed run leaves here, the next one stops and removes.
const dataRoot = resolve(defaultDataRoot(), '../test/servers', `${process.pid}-two-devs`)
const browserProgram = findBrowser()

afterEach(async () => void (await stopLocalCluster({ dataRoot, mode: 'immediate' })))
afterAll(() => rmSync(dataRoot, { recursive: true, force: true }))

const start = (services: readonly string[], consolePort: number): DevProcess =>
  startDev([...services, '--data-root', dataRoot], { CONSOLE_PORT: String(consolePort) })

/** The services that a console shows, by the first message to a page; null where none is served. */
async function servicesOf(url: string): Promise<string[] | null> {
  const response = await fetch(`${url}/events`).catch(() => null)
  const reader = response?.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (reader !== undefined && !text.includes('\n\n')) {
    const { value, done } = await reader.read()
    // Of a console that ends meanwhile.
    if (done) break
    text += value
  }
  await reader?.cancel()
  const data = /^data: (.*)$/m.exec(text)?.[1]
  return data === undefined ? null : JSON.parse(data).services.map(({ name }: { name: string }) => name)
}

/** The primary: after a failover it is in another folder. */
const findServer = async () => (await findLocalCluster({ dataRoot })).primary

const statusesOf = (addresses: Record<string, string>, route: string): Promise<number[]> =>
  Promise.all(Object.values(addresses).map(async (url) => (await fetch(url + route)).status))

/** Where the server of a `dev` listens, by what it said. */
const serverOf = ({ output }: DevProcess): string | undefined => /on (127\.0\.0\.1:\d+)/.exec(output())?.[1]

/** Without the log lines of the services, which have their name in front. */
const ownLines = (output: string): string => output.replace(/^\w+ +\| .*\n/gm, '')

describe('a second dev', () => {
  test.each([
    ['is stopped by Ctrl-C', 'SIGINT', 0],
    ['is killed', 'SIGKILL', 137],
  ] as const)(
    'serves the console and keeps its database when the first %s',
    async (_, signal, exitCode) => {
      const port = await lastingPort()
      const url = `http://127.0.0.1:${port}`
      await using first = start(['auth'], port)
      await first.addresses()
      await using second = start(['product', 'cart'], port)
      const addresses = await second.addresses()
      const before = { console: await servicesOf(url), servers: [serverOf(first), serverOf(second)] }
      const pid = (await findServer())?.pid
      // What it says about its start ends with this, which may be late.
      await eventually(() => /^.*isolat.*\n\n/m.test(second.output()))
      const said = second.output().length

      first.signal(signal)
      expect(await first.exited).toBe(exitCode)
      await eventually(async () => (await servicesOf(url)) !== null)
      // The server notices the end of one that was killed, and the line of the other is read, a moment later.
      await eventually(async () => (await findServer())?.users === 1)
      await eventually(() => ownLines(second.output().slice(said)).includes('\n'))
      expect({
        before,
        waited: second.output().match(/^console: .*$/gm)?.[0],
        console: await servicesOf(url),
        details: (await fetch(`${url}/services/product`)).status,
        said: ownLines(second.output().slice(said)),
        ready: await statusesOf(addresses, '/readyz'),
        reads: await statusesOf({ product: addresses.product ?? '' }, '/products'),
        server: await findServer(),
      }).toEqual({
        before: { console: ['auth'], servers: [serverOf(first), serverOf(first)] },
        waited: expect.stringMatching(
          /^console: port \d+ is taken by process \d+ \(.*\); it is served here once that has ended$/,
        ),
        console: ['product', 'cart'],
        details: 200,
        said: `console: ${url} is served by this bun run dev now\n`,
        ready: [200, 200],
        reads: [200],
        server: expect.objectContaining({ pid, users: 1 }),
      })

      const family = second.family()
      second.signalGroup('SIGINT')
      expect({
        exitCode: await second.exited,
        survivors: survivors(family),
        server: await findServer(),
      }).toEqual({ exitCode: 0, survivors: [], server: null })
    },
    120_000,
  )

  test('keeps a database that has failed over to the standby of the first', async () => {
    await using first = start(['auth', '--replicas', '1'], 0)
    await first.addresses()
    await using second = start(['product'], 0)
    const { product } = await second.addresses()
    expect(await runCli(['db:failover', '--data-root', dataRoot])).toMatchObject({ exitCode: 0 })
    first.signalGroup('SIGINT')
    expect(await first.exited).toBe(0)
    const response = await fetch(`${product}/products`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ sku: 'TEA', name: 'Tea', priceMinor: 450, currency: 'EUR' }),
    })
    expect({ status: response.status, warnings: second.output().match(/^.*\bERROR\b.*$/gm) }).toEqual({
      status: 201,
      warnings: null,
    })
  }, 120_000)

  test('that ends first leaves the console and the database to the first', async () => {
    const port = await lastingPort()
    const url = `http://127.0.0.1:${port}`
    await using first = start(['auth'], port)
    const addresses = await first.addresses()
    await using second = start(['product'], port)
    await second.addresses()
    second.signalGroup('SIGINT')
    expect(await second.exited).toBe(0)
    expect({
      console: await servicesOf(url),
      ready: await statusesOf(addresses, '/readyz'),
      users: (await findServer())?.users,
    }).toEqual({ console: ['auth'], ready: [200], users: 1 })
  }, 120_000)
})

function browserTests(executablePath: string): void {
  test('an open page goes on with the services of the second', async () => {
    const port = await lastingPort()
    await using first = start(['auth'], port)
    await first.addresses()
    await using second = start(['product', 'cart'], port)
    await second.addresses()
    await using browser = await startBrowser(executablePath)
    await using opened = await openPage(browser, `http://127.0.0.1:${port}`)
    const { page } = opened
    const shown = (): Promise<(string | null)[]> =>
      page
        .locator('article')
        .evaluateAll((cards) => cards.map((card) => `${card.dataset.service} ${card.dataset.status}`))
    await eventually(async () => (await shown()).join() === 'auth healthy')
    await page.evaluate('window.loadedOnce = true')

    first.signalGroup('SIGINT')
    await eventually(async () => (await shown()).join() === 'product healthy,cart healthy')
    expect({
      stream: await page.locator('#stream').getAttribute('data-state'),
      loadedOnce: await page.evaluate('window.loadedOnce'),
      aloud: await page.getByRole('status').textContent(),
      // The browser itself says that the stream ended and that for a moment nobody listened.
      problems: opened.problems.filter((problem) => !problem.startsWith('Failed to load resource: net::')),
    }).toEqual({
      stream: 'live',
      loadedOnce: true,
      aloud: expect.stringContaining('The console is back.'),
      problems: [],
    })
  }, 120_000)
}

if (browserProgram === null) {
  console.warn(
    'The browser test of two devs was not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`two devs in a browser (${browserProgram})`, () => browserTests(browserProgram))
}
