import { expect } from 'bun:test'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import type { Browser } from 'playwright-core'
import { createObserver, serveConsole, type Target } from '../../src/index.ts'
import { openPage } from '../../src/testing/browser/index.ts'
import type { WorldService } from '../../src/testing/index.ts'

/** What people see of one service: its card in the console, its details, and `bun run status`. */
export interface WatchedService extends AsyncDisposable {
  /** Waits until the reason on the card and `bun run status` say so, and returns both. */
  named(pattern: RegExp): Promise<{ reason: string; status: string }>
  /** Waits for an event on the card, and returns its text. */
  event(pattern: RegExp): Promise<string>
  /** The rows below a heading of the details, once there are any. */
  details(heading: string): Promise<string[]>
  /** Waits until the card is healthy. */
  healthy(): Promise<void>
  /** All advice on the card now. */
  advice(): Promise<string[]>
  /** How many requests have failed, by the card, `bun run status` and the metrics. */
  failures(): Promise<{ card: number; status: number; metrics: number }>
  /** Every advice that was given at any time. */
  readonly given: ReadonlySet<string>
  /** What is wrong with the page itself. */
  readonly problems: readonly string[]
}

const root = resolve(import.meta.dir, '../../../..')
const patience = { intervalMs: 50 }

/** Starts a service anew, so that all is counted from 0, and opens a console that shows it alone. */
export async function watchService(browser: Browser, service: WorldService): Promise<WatchedService> {
  const { target } = service
  const { name } = target
  await service.stop()
  await service.start()
  await using stack = new AsyncDisposableStack()
  const server = serveConsole({ targets: [target], port: 0 })
  stack.defer(() => server.stop())
  const { page, problems } = stack.use(await openPage(browser, server.url))
  const listener = stack.use(collectAdvice(target))
  const card = page.locator(`article[data-service="${name}"]`)
  const healthy = () => page.locator(`article[data-service="${name}"][data-status="healthy"]`).waitFor()
  await healthy()
  const owned = stack.move()
  return {
    problems,
    given: listener.given,
    healthy,
    async named(pattern) {
      const shown = card.locator('.reason', { hasText: pattern })
      const [reason, status] = await Promise.all([
        shown.waitFor().then(() => shown.textContent()),
        eventually(async () => {
          const printed = joined(await printStatus(target))
          expect(printed).toMatch(pattern)
          return printed
        }, patience),
      ])
      return { reason: reason ?? '', status }
    },
    async event(pattern) {
      const event = card.locator('.events li', { hasText: pattern }).first()
      await event.waitFor()
      return (await event.textContent()) ?? ''
    },
    async details(heading) {
      await page.getByRole('button', { name: `Details of ${name}` }).click()
      const dialog = page.getByRole('dialog', { name })
      const rows = dialog.locator('section section', { hasText: heading }).locator('tbody tr')
      await rows.first().waitFor()
      const texts = await rows.allTextContents()
      await dialog.getByRole('button', { name: 'Close' }).click()
      return texts
    },
    advice: () => card.locator('.advice li:not(.none)').allTextContents(),
    failures: async () => ({
      card: Number(await card.locator('.numbers .failures dd').textContent()),
      status: Number(new RegExp(`^${name} .* (\\d+)$`, 'm').exec(await printStatus(target))?.[1]),
      metrics: await scrapeFailures(target),
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Asks a service all the time, so that no advice is missed that is given for a moment only. */
function collectAdvice(target: Target): AsyncDisposable & { given: ReadonlySet<string> } {
  const observer = createObserver(target)
  const given = new Set<string>()
  let isOver = false
  const collecting = (async () => {
    while (!isOver) {
      await observer.poll()
      for (const { text } of observer.view().report?.advice ?? []) given.add(text)
      await sleep(100)
    }
  })()
  return {
    given,
    async [Symbol.asyncDispose]() {
      isOver = true
      await collecting
    },
  }
}

const joined = (text: string): string => text.replaceAll(/\s+/g, ' ')

async function printStatus({ name, url, token = '' }: Target): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const child = Bun.spawn([process.execPath, `${root}/shared/cli/bin.ts`, 'status', name], {
    cwd: root,
    env: { PATH, HOME, PORT: new URL(url).port, HEALTH_TOKEN: token },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  return child.stdout.text()
}

async function scrapeFailures({ url, token = '' }: Target): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${token}` } })
  const failed = (await response.text()).matchAll(/^http_requests_total\{[^}]*status="5\d\d"[^}]*\} (\d+)$/gm)
  return [...failed].reduce((sum, [, count]) => sum + Number(count), 0)
}
