import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createObserver, serveConsole } from '@shared/console'
import { passStates, type StateName, startStatesWorld } from '@shared/console/testing'
import { openPage, provideBrowser, screens, showOn, startBrowser } from '@shared/console/testing/browser'
import { summarise } from '../src/reports/status-summary.ts'
import { renderStatus } from '../src/reports/status-table.ts'
import { repositoryRoot } from '../src/workspace/packages.ts'

// Takes pictures of the console in every state, on every screen and in both colours, in four minutes:
// bun shared/cli/test/take-pictures.ts [folder] [--save]. With --save it replaces those of the documentation too.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { save: { type: 'boolean', default: false } },
})
const folder = resolve(positionals[0] ?? join(repositoryRoot, '.data/pictures'))
const documentation = join(repositoryRoot, 'shared/console/docs')
/** Of these the documentation has pictures, on a laptop. */
const documented: readonly StateName[] = ['blocked', 'failed-over', 'down', 'recovered']
const columns = 100

/** How long each state lasts before it is taken: charts of a second show little. */
const seconds: Readonly<Record<StateName, number>> = {
  healthy: 30,
  loaded: 25,
  blocked: 25,
  'failed-over': 20,
  down: 15,
  recovered: 25,
}

mkdirSync(folder, { recursive: true })
await using world = await startStatesWorld()
const targets = world.services.map(({ target }) => target)
const server = serveConsole({ targets, port: 0 })
const browser = await startBrowser(await provideBrowser())
const observers = targets.map((target) => createObserver(target))
const opened = {
  light: await openPage(browser, server.url),
  dark: await openPage(browser, server.url, { colorScheme: 'dark' }),
}

try {
  for await (const { name } of passStates(world)) {
    await Bun.sleep(seconds[name] * 1_000)
    await takeState(name)
    if (name === 'blocked') await takeDetails('product')
  }
} finally {
  await browser.close()
  await server.stop()
}
console.log(`pictures: ${folder}${values.save ? `, ${documentation}` : ''}`)

/** A state on every screen, and as text. */
async function takeState(name: StateName): Promise<void> {
  const isSaved = values.save && documented.includes(name)
  for (const [scheme, { page }] of Object.entries(opened)) {
    for (const size of Object.values(screens)) {
      await showOn(page, size)
      await page.screenshot({ path: join(folder, `${name}-${size.width}x${size.height}-${scheme}.png`) })
    }
    await showOn(page, screens.laptop)
    if (isSaved) await page.screenshot({ path: join(documentation, `${name}-${scheme}.png`) })
  }
  await Promise.all(observers.map((observer) => observer.poll()))
  const now = Date.now()
  const summaries = observers.map((observer) => summarise(observer.view(), now))
  const text = renderStatus(summaries, { width: columns, now, paint: (_colour, plain) => plain })
  for (const target of [folder, ...(isSaved ? [documentation] : [])])
    await Bun.write(join(target, `status-${name}.txt`), `${text}\n`)
  console.log(`${name}:\n${text}\n`)
}

/** The detailed report of a service, on pages of its own: closing it leaves the focus on a button. */
async function takeDetails(service: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await using details = await openPage(browser, server.url, { colorScheme })
    const { page } = details
    await page.getByRole('button', { name: `Details of ${service}` }).click()
    await page.getByRole('heading', { name: 'Running statements' }).waitFor()
    await page.screenshot({ path: join(folder, `details-${colorScheme}.png`) })
    if (values.save && colorScheme === 'light')
      await page.screenshot({ path: join(documentation, 'details-light.png') })
  }
}
