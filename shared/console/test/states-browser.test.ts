import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type RunningConsole, serveConsole } from '../src/index.ts'
import {
  findBrowser,
  openPage,
  screens,
  seriousViolations,
  showOn,
  startBrowser,
  type WatchedPage,
} from '../src/testing/browser/index.ts'
import {
  type ClusterWorld,
  passStates,
  startStatesWorld,
  stateNames,
  type WorldState,
} from '../src/testing/index.ts'

const program = findBrowser()

/** What is wrong with the layout of the page, as text that a reader of a failed test can look for. */
interface Layout {
  scrollsSideways: boolean
  /** Texts of headers and numbers that are cut off, out of sight or under another one. */
  clipped: string[]
  /** From the top of the page. */
  services: {
    name: string
    status: string
    /** Whether name and reason are on the first screen. */
    isInSight: boolean
    /** Whether the reason is shown, or three lines of it at least. */
    isExplained: boolean
  }[]
  header: string
}

/** Runs in the page. */
const readLayout = `(() => {
  const near = 1
  const boxesOf = (element) => {
    const range = document.createRange()
    range.selectNodeContents(element)
    return [...range.getClientRects()].filter(({ width, height }) => width > 0 && height > 0)
  }
  const isWithin = (inner, outer) =>
    inner.left >= outer.left - near && inner.right <= outer.right + near &&
    inner.top >= outer.top - near && inner.bottom <= outer.bottom + near
  const isOver = (one, other) =>
    one.left < other.right - near && other.left < one.right - near &&
    one.top < other.bottom - near && other.top < one.bottom - near
  const isExplained = (reason) => {
    const threeLines = 3 * Number.parseFloat(getComputedStyle(reason).lineHeight)
    return reason.clientHeight >= Math.min(reason.scrollHeight, threeLines) - near
  }
  const clipped = [...document.querySelectorAll('header.top, article header, .numbers')].flatMap((row) => {
    const parts = [...row.children]
    const frame = (row.closest('article') ?? row).getBoundingClientRect()
    return parts.filter((part) => {
      const others = parts.filter((other) => other !== part).flatMap(boxesOf)
      return part.scrollWidth > part.clientWidth + near || boxesOf(part).some((box) =>
        !isWithin(box, frame) || box.left < -near || box.right > innerWidth + near ||
        others.some((other) => isOver(box, other)))
    }).map((part) => part.textContent.trim())
  })
  const cards = [...document.querySelectorAll('article')]
    .map((card) => ({ card, top: card.getBoundingClientRect().top }))
    .sort((one, other) => one.top - other.top)
  return {
    scrollsSideways: document.documentElement.scrollWidth > innerWidth,
    clipped,
    services: cards.map(({ card }) => ({
      name: card.dataset.service,
      status: card.dataset.status,
      isInSight: ['header', '.reason'].flatMap((part) => boxesOf(card.querySelector(part)))
        .every((box) => box.top >= 0 && box.bottom <= innerHeight),
      isExplained: isExplained(card.querySelector('.reason')),
    })),
    header: document.querySelector('header.top').innerText,
  }
})()`

function tests(executablePath: string): void {
  let browser: Browser
  let world: ClusterWorld
  let server: RunningConsole
  let states: AsyncGenerator<WorldState, void>
  const opened: WatchedPage[] = []

  beforeAll(async () => {
    world = await startStatesWorld()
    server = serveConsole({ targets: world.services.map(({ target }) => target), port: 0 })
    browser = await startBrowser(executablePath)
    for (const colorScheme of ['light', 'dark'] as const)
      opened.push(await openPage(browser, server.url, { colorScheme, reducedMotion: 'reduce' }))
    states = passStates(world)
  }, 120_000)

  afterAll(async () => {
    await states?.return()
    await browser?.close()
    await server?.stop()
    await world?.[Symbol.asyncDispose]()
  }, 120_000)

  const shows = ({ statuses }: WorldState, page: Page) =>
    Promise.all(
      Object.entries(statuses).map(([name, status]) =>
        page.locator(`article[data-service="${name}"][data-status="${status}"]`).waitFor(),
      ),
    )

  /** What a person sees of the services without scrolling. */
  const firstOf = (services: Layout['services']) => {
    const sick = services.filter(({ status }) => status !== 'healthy')
    const { isInSight, isExplained } = services[0] ?? {}
    return {
      sickFirst: sick.every((service, index) => service === services[index]),
      isInSight,
      isExplained,
    }
  }

  // Each one goes on from the one before.
  test.each(stateNames)(
    '%s: whole, accessible and without errors on every screen in both colours',
    async (name) => {
      const { value: state } = await states.next()
      if (!state) throw new Error(`the state ${name} was not reached`)
      const sick = Object.keys(state.statuses).filter((service) => state.statuses[service] !== 'healthy')
      const seen: unknown[] = []
      const expected: unknown[] = []
      for (const { page } of opened) {
        await shows(state, page)
        for (const [screen, size] of Object.entries(screens)) {
          await showOn(page, size)
          const { services, header, ...layout } = (await page.evaluate(readLayout)) as Layout
          const violations = await seriousViolations(page)
          const named = sick.filter((service) => header.includes(service))
          seen.push({ screen, ...layout, named, violations, ...(screen === 'phone' && firstOf(services)) })
          expected.push({
            screen,
            scrollsSideways: false,
            clipped: [],
            named: sick,
            violations: [],
            ...(screen === 'phone' && { sickFirst: true, isInSight: true, isExplained: true }),
          })
        }
      }
      expect({ name: state.name, seen, problems: opened.flatMap(({ problems }) => problems) }).toEqual({
        name,
        seen: expected,
        problems: [],
      })
    },
    180_000,
  )
}

if (program === null) {
  console.warn(
    'The states of the console were not looked at: no Chromium is installed. bun run test:browser brings one.',
  )
} else {
  describe(`the states of the console in a browser (${program})`, () => tests(program))
}
