import { gatherEvents, latestEvents } from '../../events.ts'
import { describeHosts } from '../../hosts.ts'
import type { Sample } from '../../monitor-report.ts'
import type { ServiceView } from '../../wire.ts'
import { createChart } from '../chart/chart.ts'
import { type Point, pointsOf, recent } from '../chart/history.ts'
import { measures, type Scales } from '../chart/measures.ts'
import { create, find, setText } from '../elements.ts'
import { formatTime, localTimes } from '../format.ts'

/** One service on the page. */
export interface Card {
  readonly element: HTMLElement
  /** What its charts have to show. */
  readonly points: readonly Point[]
  /** Shows what is known now, charts aside; the samples come after those before, or in place of them where `whole`. */
  update(view: ServiceView, whole: boolean, now: number): void
  /** Shows the charts as of the last update. */
  draw(scales: Scales): void
  /** Draws the charts again, in the colours that hold now. */
  redraw(): void
}

const shownEvents = 8

/** Creates the card of a service from the page's template. @param onOpen Called to show its details. */
export function createCard(name: string, onOpen: (view: ServiceView | null) => void): Card {
  const fragment = find<HTMLTemplateElement>(document, '#card').content.cloneNode(true) as DocumentFragment
  const element = find(fragment, 'article')
  const part = (selector: string): HTMLElement => find(element, selector)
  const button = part('.open')
  element.dataset.service = name
  element.setAttribute('aria-labelledby', `service-${name}`)
  part('h2').id = `service-${name}`
  part('h2').textContent = name
  button.setAttribute('aria-label', `Details of ${name}`)
  element.addEventListener('click', ({ target }) => {
    if (target instanceof Element && target.closest('a') !== null) return
    // The button is for the keyboard; a mouse may use the whole card, but not when it has just marked a text.
    if (target !== button && getSelection()?.isCollapsed === false) return
    // Where the focus goes back to when the dialog closes.
    button.focus({ preventScroll: true })
    onOpen(latest)
  })
  const charts = measures.map(createChart)
  part('.charts').append(...charts.map((chart) => chart.element))
  const text = (selector: string, value: string): void => setText(part(selector), value)
  let samples: readonly Sample[] = []
  let points: readonly Point[] = []
  let latest: ServiceView | null = null
  let shownAt = 0

  return {
    element,
    get points() {
      return points
    },
    update(view, whole, now) {
      const { status, reason, report } = view
      latest = view
      shownAt = now
      samples = recent(whole ? view.samples : [...samples, ...view.samples], now)
      points = pointsOf(samples)
      element.toggleAttribute('data-empty', points.length === 0)
      element.dataset.status = status
      find(element, '.lamp use').setAttribute('href', `#icon-${status}`)
      text('.status', status)
      showPages(part('.pages'), view)
      text('.reason', localTimes(reason))
      // The card has room for three lines of it.
      part('.reason').title = reason
      showPool(element, view, samples)
      showList(
        part('.hosts'),
        describeHosts(report?.cluster).map(({ host, role, words }) => ({
          className: role,
          texts: [host, words],
        })),
      )
      // The most urgent advice is the reason already.
      const advice = (report?.advice ?? []).filter((found) => found.text !== reason)
      const all = report?.events ?? []
      const events = latestEvents(all, shownEvents)
      // The card may have no room for all of them.
      text('.advice h3', counted('Advice', advice.length))
      text('.events h3', counted('Events', gatherEvents(all).length))
      showList(
        part('.advice ul'),
        advice.map(({ level, text: said }) => ({
          className: level,
          texts: [`${level}: `, localTimes(said)],
        })),
        report === null ? 'Not known.' : reason === '' ? 'Nothing to do.' : 'Nothing more.',
      )
      showList(
        part('.events ol'),
        events.map(({ at, type, code, detail, count }) => ({
          className: '',
          texts: [
            formatTime(at),
            count > 1 ? `${type} ×${count}` : type,
            [code, detail].filter(Boolean).join(' '),
          ],
        })),
        report === null ? 'Not known.' : 'None.',
      )
    },
    draw(scales) {
      const pool = latest?.report?.pool
      const last = points.at(-1)
      for (const chart of charts) {
        const { now, read } = chart.measure
        const value = pool && (now ? now(pool) : last && read(last))
        chart.update(points, value ?? null, shownAt, scales)
      }
    },
    redraw() {
      for (const chart of charts) chart.redraw()
    },
  }
}

const counted = (title: string, count: number): string => (count === 0 ? title : `${title} (${count})`)

/** Its address, and links to what it shows itself. */
function showPages(place: HTMLElement, { name, url, pages }: ServiceView): void {
  const key = JSON.stringify([url, pages])
  if (place.dataset.key === key) return
  place.dataset.key = key
  const links = pages.map((path) => {
    const link = create('a', '', path)
    link.href = url + path
    link.target = '_blank'
    link.rel = 'noopener'
    link.setAttribute('aria-label', `${path} of ${name}, in a new tab`)
    return link
  })
  place.replaceChildren(create('span', '', url.replace(/^https?:\/\//, '')), ...links)
}

function showPool(element: HTMLElement, { report }: ServiceView, samples: readonly Sample[]): void {
  const pool = report?.pool
  const numbers = {
    idle: pool?.idle,
    overflow: pool?.overflow,
    opening: pool?.connecting,
    behind: pool?.behind,
    failures: pool && samples.reduce((sum, sample) => sum + sample.failures, 0),
  }
  for (const [key, value] of Object.entries(numbers)) {
    const entry = find(element, `.numbers .${key}`)
    setText(find(entry, 'dd'), value === undefined ? '–' : String(value))
    entry.classList.toggle('some', (value ?? 0) > 0)
  }
  const gauge = find(element, '.gauge')
  const { poolSize = 0, maxOverflow = 0, checkedOut = 0, overflow = 0, connecting = 0, idle = 0 } = pool ?? {}
  const capacity = Math.max(maxOverflow < 0 ? (pool?.total ?? 0) : poolSize + maxOverflow, poolSize, 1)
  const beyond = Math.min(overflow, checkedOut)
  const widths = { used: checkedOut - beyond, overflow: beyond, connecting, idle }
  for (const [key, value] of Object.entries(widths))
    find(gauge, `.${key}`).style.width = `${(100 * value) / capacity}%`
  gauge.setAttribute(
    'aria-label',
    pool === undefined
      ? 'Pool: not known'
      : `Pool: ${checkedOut} used and ${idle} idle of ${maxOverflow < 0 ? 'any number' : capacity}, ${overflow} of them overflow, ${pool.waiting} waiting`,
  )
}

/** Replaces the list where it changed. @param none What an empty one says. */
function showList(
  list: HTMLElement,
  items: readonly { className: string; texts: readonly string[] }[],
  none?: string,
): void {
  const key = JSON.stringify([items, none])
  if (list.dataset.key === key) return
  list.dataset.key = key
  const entries = items.map(({ className, texts }) => {
    const entry = create('li', className, ...texts.map((text) => create('span', '', text)))
    // Where the card has no room for all of it.
    entry.title = texts.join(' ')
    return entry
  })
  if (entries.length === 0 && none !== undefined) entries.push(create('li', 'none', none))
  list.replaceChildren(...entries)
}
