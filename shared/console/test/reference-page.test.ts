import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { findBrowser, openPage, startBrowser } from '../src/testing/browser/index.ts'
import { startWorld, type World } from '../src/testing/index.ts'

const program = findBrowser()

function tests(executablePath: string): void {
  let browser: Browser
  let world: World

  beforeAll(async () => {
    world = await startWorld({ services: ['product'] })
    browser = await startBrowser(executablePath)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await world?.[Symbol.asyncDispose]()
  }, 120_000)

  test("shows the API and sends requests, under the page's own policy and from no other host", async () => {
    const { url = '', token } = world.services[0]?.target ?? {}
    // The page's own requests carry it too: a person has the page where it is open.
    const extraHTTPHeaders = { Authorization: `Bearer ${token}` }
    await using opened = await openPage(browser, `${url}/docs`, { extraHTTPHeaders })
    const { page, problems } = opened
    await page.getByRole('heading', { name: 'product service' }).waitFor()
    const operations = await page.locator('.opblock-summary-path').allInnerTexts()

    const operation = page.locator('#operations-products-get_products')
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Try it out' }).click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const answer = operation.locator('.live-responses-table .response').first()
    await answer.waitFor()

    expect(operations.map((path) => path.replaceAll('\u200b', ''))).toEqual([
      '/products',
      '/products',
      '/products/{id}',
      '/products/{id}/stock',
      '/',
      '/livez',
      '/readyz',
      '/health',
      '/health/detailed',
      '/health/monitor',
      '/metrics',
    ])
    expect(await answer.locator('.response-col_status').textContent()).toStartWith('200')
    expect(await answer.textContent()).toContain('"nextCursor": null')
    expect(problems).toEqual([])
  }, 120_000)
}

if (program === null) {
  console.warn(
    'The browser test of /docs was not run: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`the reference of an API in a browser (${program})`, () => tests(program))
}
