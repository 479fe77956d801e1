import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { leaves } from '../src/browser/report/describe-report.ts'
import { isNamed } from '../src/browser/report/labels.ts'
import { placeOf } from '../src/browser/report/time-axis.ts'
import { type RunningConsole, serveConsole } from '../src/index.ts'
import { findBrowser, openPage, seriousViolations, startBrowser } from '../src/testing/browser/index.ts'
import { type SlowWorld, startSlowWorld } from './slow-world.ts'

const program = findBrowser()
const secret = 'CANARY-1'

/** A line of a waterfall: its words, and where its bar is in CSS pixels of the track. */
interface Line {
  readonly kind: string
  readonly words: string
  readonly statement: string
  readonly from: number
  readonly to: number
  readonly track: number
  readonly isOnAxis: boolean
  readonly pattern: string
}

const readLines = `[...document.querySelectorAll('details[open] .waterfall > li')].map((line) => {
  const [bar, track] = ['i', '.track'].map((part) => line.querySelector(part).getBoundingClientRect())
  const axis = line.closest('details').querySelector('.axis').getBoundingClientRect()
  const style = getComputedStyle(line.querySelector('.track i'))
  return {
    kind: line.querySelector('.kind').textContent,
    words: line.querySelector('p').textContent,
    statement: line.querySelector('code')?.textContent ?? '',
    from: bar.left - track.left,
    to: bar.right - track.left,
    track: track.width,
    isOnAxis: Math.abs(track.left - axis.left) < 1 && Math.abs(track.right - axis.right) < 1,
    pattern: style.backgroundImage + style.backgroundColor,
  }
})`

function tests(executablePath: string): void {
  let browser: Browser
  let slow: SlowWorld
  let server: RunningConsole

  beforeAll(async () => {
    slow = await startSlowWorld(secret)
    server = serveConsole({ targets: [slow.service.target], port: 0 })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await slow?.[Symbol.asyncDispose]()
  }, 120_000)

  async function openDetails(options: BrowserContextOptions = {}) {
    const opened = await openPage(browser, server.url, options)
    await opened.page.getByRole('button', { name: 'Details of product' }).click()
    await opened.page.getByRole('heading', { name: 'Slow requests' }).waitFor()
    return opened
  }
  const request = (page: Page, index: number) => page.locator('details.slow-request').nth(index)

  test('a request that waited in the queue shows its wait, its transaction and its statements on one axis', async () => {
    await using opened = await openDetails()
    const { page, problems } = opened
    const lines = await page.evaluate<Line[]>(readLines)
    const [whole, wait, transaction, select, update] = lines
    const { fromMs, list } = (await slow.report()).slowRequests
    const measured = list.find(({ spans }) => spans.some(({ kind }) => kind === 'wait'))
    const places = (measured?.spans ?? []).map((span) => placeOf(span, measured?.durationMs ?? 0))
    expect({
      title: await request(page, 0).locator('summary').textContent(),
      kinds: lines.map(({ kind }) => kind),
      words: [wait?.words, transaction?.words, select?.words],
      statements: lines.map(({ statement }) => statement.slice(0, 14)),
      patterns: new Set(lines.slice(0, 4).map(({ pattern }) => pattern)).size,
      isWhole: whole && [whole.from, whole.to].map(Math.round),
      isOnAxis: lines.every(({ isOnAxis }) => isOnAxis),
      isInTrack: lines.every(({ from, to, track }) => from >= -0.5 && to <= track + 0.5),
      places: lines
        .slice(1)
        .map(({ from, to, track }) => [from, to - from].map((part) => (100 * part) / track)),
      isFirst: wait && transaction && wait.to <= transaction.from + 1,
      inTransaction: [select, update].every(
        (line) => line && transaction && line.from >= transaction.from - 1 && line.to <= transaction.to + 1,
      ),
      isSlow: (measured?.spans[0]?.durationMs ?? 0) >= fromMs,
      secret: (await page.locator('#details').textContent())?.includes(secret),
      problems,
    }).toEqual({
      title: expect.stringMatching(/^\d\d:\d\d:\d\d POST \/products\/:id\/stock status 200 [\d.]+ m?s$/),
      kinds: ['request', 'wait for a connection', 'transaction', 'statement', 'statement'],
      words: [
        expect.stringMatching(/^wait for a connection from [\d.]+ m?s for [\d.]+ m?s$/),
        expect.stringMatching(/^transaction from [\d.]+ m?s for [\d.]+ m?s · committed$/),
        expect.stringMatching(/^statement from [\d.]+ m?s for [\d.]+ m?s · 1 row$/),
      ],
      statements: ['', '', '', 'select "produc', 'update "stock"'],
      patterns: 4,
      isWhole: [0, Math.round(whole?.track ?? 0)],
      isOnAxis: true,
      isInTrack: true,
      places: places.map(({ left, width }) => [expect.closeTo(left, 0), expect.closeTo(width, 0)]),
      isFirst: true,
      inTransaction: true,
      isSlow: true,
      secret: false,
      problems: [],
    })
  }, 120_000)

  test('a request that waited for a locked row is opened by keyboard, shows that statement, and stays open', async () => {
    await using opened = await openDetails()
    const { page } = opened
    await request(page, 0).locator('summary').press('Enter')
    await request(page, 1).locator('summary').press('Enter')
    const lines = await page.evaluate<Line[]>(readLines)
    const longest = lines
      .filter(({ kind }) => kind === 'statement')
      .toSorted((one, other) => other.to - other.from - (one.to - one.from))[0]
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.locator('#details .body:not([aria-busy])').waitFor()
    const open = await page.evaluate(
      `[...document.querySelectorAll('details.slow-request')].slice(0, 2).map(({ open }) => open)`,
    )
    expect({ statement: longest?.statement, open }).toEqual({
      statement: expect.stringMatching(/^select .* from "stock" .* for update$/),
      open: [false, true],
    })
  }, 120_000)

  test('every field of a real report has a name in words, and no name stands for two', async () => {
    const { statements, blockages, events, queries, slowRequests, ...report } = await slow.report()
    await using opened = await openDetails()
    const { page } = opened
    const names = await page.locator('#details dt').allTextContents()
    const entry = (name: string) =>
      page.locator('#details dl > div', { hasText: name }).locator('dd').textContent()
    expect({
      unnamed: leaves(report)
        .map(([path]) => path)
        .filter((path) => !isNamed(path)),
      twice: names.filter((name, index) => names.indexOf(name) !== index),
      raw: names.filter((name) =>
        /[a-z][A-Z](?!Q)|Ms$|_/.test(name.replace(/PostgreSQL|JavaScript|PgBouncer/, '')),
      ),
      inUse: await entry('Connections in use'),
      memory: await entry('Memory of JavaScript objects'),
      allowed: await entry('Limit of the database'),
      costliest: await page.locator('td.statement', { hasText: 'for update' }).count(),
    }).toEqual({
      unnamed: [],
      twice: [],
      raw: [],
      inUse: '0',
      memory: expect.stringMatching(/^[\d.]+ MiB$/),
      allowed: 'no limit',
      costliest: 1,
    })
  }, 120_000)

  test('where no slow requests are kept, and where there are none, the dialog says so', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    const texts: (string | null)[] = []
    for (const slowRequests of [null, { fromMs: 1_000, list: [] }, undefined]) {
      await page.route('**/services/product', async (route) => {
        const response = await route.fetch()
        await route.fulfill({ response, json: { ...((await response.json()) as object), slowRequests } })
      })
      await page.getByRole('button', { name: 'Details of product' }).click()
      const section = page.locator('#details section section', { hasText: 'Slow requests' })
      texts.push(await section.locator('p').textContent())
      await page.getByRole('button', { name: 'Close' }).click()
      await page.unroute('**/services/product')
    }
    expect({ texts, problems }).toEqual({
      texts: [
        'Not kept: DATABASE_SLOW_QUERY is 0 there.',
        'None took 1 s or longer, and none failed.',
        'Not known: this version of the service does not say.',
      ],
      problems: [],
    })
  }, 120_000)

  describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
    test.each([1366, 390])(
      '%p px wide, nothing is cut, and axe finds nothing serious',
      async (width) => {
        await using opened = await openDetails({ colorScheme, viewport: { width, height: 844 } })
        const { page, problems } = opened
        await request(page, 1).locator('summary').click()
        // Nothing in it hides what is beyond its box: all has to be within the dialog, which does not scroll sideways.
        const cut = await page.evaluate(`[...document.querySelectorAll('#details .body *')]
        .filter((part) => part.getBoundingClientRect().right > document.querySelector('#details .body').clientWidth
          + document.querySelector('#details .body').getBoundingClientRect().left)
        .map((part) => part.outerHTML.slice(0, 200)).slice(0, 5)`)
        const violations = await seriousViolations(page)
        expect({ cut, violations, problems }).toEqual({ cut: [], violations: [], problems: [] })
      },
      120_000,
    )
  })
}

if (program === null) {
  console.warn(
    'The browser tests of the details were not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`the details in a browser (${program})`, () => tests(program))
}
