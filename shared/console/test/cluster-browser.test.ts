import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import type { Browser, Page } from 'playwright-core'
import { type RunningConsole, serveConsole } from '../src/index.ts'
import { findBrowser, openPage, seriousViolations, startBrowser } from '../src/testing/browser/index.ts'
import { type ClusterWorld, startClusterWorld } from '../src/testing/index.ts'

const program = findBrowser()

function tests(executablePath: string): void {
  let browser: Browser
  let world: ClusterWorld
  let server: RunningConsole

  beforeAll(async () => {
    world = await startClusterWorld({ services: ['auth'] })
    server = serveConsole({ targets: world.services.map(({ target }) => target), port: 0 })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await world?.[Symbol.asyncDispose]()
  }, 120_000)

  /** Names that say who is who, in place of addresses. */
  const names = (text: string): string =>
    world.cluster.servers.reduce(
      (named, { host, port }, index) => named.replaceAll(`${host}:${port}`, `db-${index + 1}`),
      text,
    )
  const cardIs = (page: Page, status: string) =>
    page.locator(`article[data-service="auth"][data-status="${status}"]`).waitFor()
  const hostsAre = (page: Page, role: string, count: number, text?: string) =>
    eventually(async () => (await page.locator(`.hosts li.${role}`, { hasText: text }).count()) === count)
  // What a host is is known before how far it is behind.
  const standbysAre = (page: Page, count: number) => hostsAre(page, 'standby', count, 'behind')
  const hostsOf = async (page: Page): Promise<string[]> =>
    (await page.locator('.hosts li').allInnerTexts()).map((text) => names(text.replaceAll(/\s+/g, ' ')))
  const isWhole = (page: Page) =>
    page.evaluate(
      `[...document.querySelectorAll('.frame > *')].every((part) =>
        part.getBoundingClientRect().bottom <= part.closest('article').getBoundingClientRect().bottom)`,
    )

  test('shows the primary and its standbys, with their lag, on the card and in the details', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await cardIs(page, 'healthy')
    await standbysAre(page, 2)
    const hosts = await hostsOf(page)
    await page.getByRole('button', { name: 'Details of auth' }).click()
    const dialog = page.getByRole('dialog', { name: 'auth' })
    const rows = dialog
      .locator('section', { has: page.getByRole('heading', { name: 'Hosts' }) })
      .locator('tbody tr')
    await rows.first().waitFor()
    expect({
      hosts,
      roles: await rows.locator('td.role').allInnerTexts(),
      whole: await isWhole(page),
      serious: await seriousViolations(page),
      problems,
    }).toEqual({
      hosts: [
        'db-1 primary, time line 1',
        expect.stringMatching(/^db-2 standby, [\d.]+ m?s behind, reads use \d+ of \d+$/),
        expect.stringMatching(/^db-3 standby, [\d.]+ m?s behind, reads use \d+ of \d+$/),
      ],
      roles: ['primary', 'standby', 'standby'],
      whole: true,
      serious: [],
      problems: [],
    })
  }, 120_000)

  test('shows that another server is the primary, when that happened, and who is unreachable', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await cardIs(page, 'healthy')
    const { cluster } = world
    const [, second, third] = cluster.servers
    if (!second || !third) throw new Error('The cluster has no standbys.')
    await cluster.primary.kill()
    await cluster.promote(second)
    await cluster.follow(third)
    await page.locator('.events li', { hasText: 'failed-over' }).waitFor()
    await cardIs(page, 'healthy')
    await hostsAre(page, 'unreachable', 1)
    await standbysAre(page, 1)
    const event = await page.locator('.events li', { hasText: 'failed-over' }).textContent()
    const advice = names((await page.locator('.advice li').allInnerTexts()).join('\n'))
    expect({
      hosts: await hostsOf(page),
      event: names(event ?? ''),
      advice,
      whole: await isWhole(page),
      serious: await seriousViolations(page),
      problems,
    }).toEqual({
      hosts: [
        expect.stringMatching(/^db-1 unreachable \(\w+\)$/),
        'db-2 primary, time line 2',
        expect.stringMatching(/^db-3 standby, [\d.]+ m?s behind, reads use \d+ of \d+$/),
      ],
      event: expect.stringContaining('the primary is db-2 on time line 2, before db-1 on 1'),
      advice: expect.stringMatching(/db-1 .*cannot be reached.*\n(.*\n)*.*The primary changed/),
      whole: true,
      serious: [],
      problems: [],
    })
  }, 120_000)

  test('shows that there is no primary, and what the hosts are', async () => {
    await using opened = await openPage(browser, server.url)
    const { page, problems } = opened
    await cardIs(page, 'healthy')
    await world.cluster.primary.kill()
    await cardIs(page, 'unhealthy')
    await page.locator('.reason', { hasText: 'No host has been the primary' }).waitFor()
    await hostsAre(page, 'unreachable', 2)
    expect({
      reason: names((await page.locator('.reason').textContent()) ?? ''),
      hosts: await hostsOf(page),
      serious: await seriousViolations(page),
      problems,
    }).toEqual({
      reason: expect.stringMatching(/nothing can be written: db-1 is unreachable .* and db-3 is a standby/),
      hosts: [
        expect.stringMatching(/^db-1 unreachable \(\w+\)$/),
        expect.stringMatching(/^db-2 unreachable \(\w+\)$/),
        expect.stringMatching(/^db-3 standby, /),
      ],
      serious: [],
      problems: [],
    })
  }, 120_000)
}

if (program === null) {
  console.warn(
    'The browser tests of a cluster were not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`a database with several hosts in a browser (${program})`, () => tests(program))
}
