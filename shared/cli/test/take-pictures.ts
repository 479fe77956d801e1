import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createObserver, serveConsole } from '@shared/console'
import { startWorld } from '@shared/console/testing'
import { openPage, provideBrowser, startBrowser } from '@shared/console/testing/browser'
import { summarise } from '../src/reports/status-summary.ts'
import { renderStatus } from '../src/reports/status-table.ts'
import { repositoryRoot } from '../src/workspace/packages.ts'

// Makes the pictures of the documentation: bun shared/cli/test/take-pictures.ts. Takes two minutes.

const folder = join(repositoryRoot, 'shared/console/docs')
const width = 100
mkdirSync(folder, { recursive: true })

await using world = await startWorld({
  env: { DATABASE_POOL_SIZE: '4', DATABASE_MAX_OVERFLOW: '4', REQUEST_TIMEOUT: '300' },
})
const targets = world.services.map(({ target }) => target)
const server = serveConsole({ targets, port: 0 })
const browser = await startBrowser(await provideBrowser())
const observers = targets.map((target) => createObserver(target))
const opened = {
  light: await openPage(browser, server.url),
  dark: await openPage(browser, server.url, { colorScheme: 'dark' }),
}

async function take(name: string): Promise<void> {
  for (const [scheme, { page }] of Object.entries(opened))
    await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) })
  await Promise.all(observers.map((observer) => observer.poll()))
  const now = Date.now()
  const services = observers.map((observer) => summarise(observer.view(), now))
  const text = renderStatus(services, { width, now, paint: (_colour, plain) => plain })
  await Bun.write(join(folder, `status-${name}.txt`), `${text}\n`)
  console.log(`${name}:\n${text}\n`)
}

/** Charts of a second show little. */
const live = (seconds: number): Promise<void> => Bun.sleep(seconds * 1_000)

const over = new AbortController()
/** A visitor sends a request, reads for a moment, and sends the next. */
async function visit(url: string): Promise<void> {
  while (!over.signal.aborted) {
    const response = await fetch(url).catch(() => null)
    await response?.body?.cancel()
    await Bun.sleep(5 + Math.random() * 40)
  }
}
const visitors = world.services.flatMap(({ target, path }, index) =>
  Array.from({ length: 4 * (index + 1) }, () => visit(`${target.url}${path}`)),
)

await live(40)
const occupied = await world.services[1]?.occupy(6)
await live(25)
await opened.light.page.getByRole('button', { name: 'Details of product' }).click()
await opened.light.page.getByRole('heading', { name: 'Running statements' }).waitFor()
await opened.light.page.screenshot({ path: join(folder, 'details-light.png') })
await opened.light.page.keyboard.press('Escape')
await take('saturated')
await occupied?.[Symbol.asyncDispose]()
await live(12)
await world.postgres.stop()
await live(12)
await take('down')
await world.postgres.restart()
await live(20)
await take('healthy')

over.abort()
await Promise.all(visitors)
await browser.close()
await server.stop()
