import { formatDuration } from '@shared/monitor/duration'
import { gatherEvents } from '../events.ts'
import type { Sample } from '../monitor-report.ts'
import type { ServiceView } from '../wire.ts'
import { type Chart, createChart } from './chart.ts'
import { create, find, setText } from './elements.ts'
import { formatTime } from './format.ts'
import { recent } from './history.ts'

/** One service on the page. */
export interface Card {
  readonly element: HTMLElement
  /** Shows what is known now; the samples come after those before, or in place of them where `whole`. */
  update(view: ServiceView, whole: boolean, now: number): void
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
    // The button is for the keyboard; a mouse may use the whole card, but not when it has just marked a text.
    if (target !== button && getSelection()?.isCollapsed === false) return
    // Where the focus goes back to when the dialog closes.
    button.focus({ preventScroll: true })
    onOpen(latest)
  })
  const charts = createCharts()
  part('.charts').append(...charts.map((chart) => chart.element))
  const text = (selector: string, value: string): void => setText(part(selector), value)
  let samples: readonly Sample[] = []
  let latest: ServiceView | null = null

  return {
    element,
    update(view, whole, now) {
      const { status, reason, report, url } = view
      latest = view
      samples = recent(whole ? view.samples : [...samples, ...view.samples], now)
      element.dataset.status = status
      find(element, '.lamp use').setAttribute('href', `#icon-${status}`)
      text('.status', status)
      text('.address', url.replace(/^https?:\/\//, ''))
      text('.reason', reason)
      showPool(element, view, samples)
      for (const chart of charts) chart.update(samples, now)
      // The most urgent advice is the reason already.
      const advice = (report?.advice ?? []).filter((found) => found.text !== reason)
      const events = gatherEvents(report?.events ?? []).slice(0, shownEvents)
      showList(
        part('.advice ul'),
        advice.map(({ level, text: said }) => ({ className: level, texts: [`${level}: `, said] })),
        report === null ? 'Not known.' : reason === '' ? 'Nothing to do.' : 'Nothing more.',
      )
      showList(
        part('.events ol'),
        events.map(({ at, type, code, count }) => ({
          className: '',
          texts: [formatTime(at), count > 1 ? `${type} ×${count}` : type, code ?? ''],
        })),
        report === null ? 'Not known.' : 'None.',
      )
    },
    redraw() {
      for (const chart of charts) chart.redraw()
    },
  }
}

function createCharts(): Chart[] {
  const count = (value: number | null): string => (value === null ? '–' : String(value))
  return [
    createChart({
      title: 'used',
      colour: '--used',
      read: ({ used }) => used,
      limit: ({ max }) => max,
      least: 1,
      format: count,
    }),
    createChart({
      title: 'waiting',
      colour: '--waiting',
      read: ({ waiting }) => waiting,
      least: 4,
      format: count,
    }),
    createChart({
      title: 'wait p99',
      colour: '--wait',
      read: ({ waitP99Ms }) => waitP99Ms,
      least: 2,
      format: formatDuration,
    }),
    createChart({
      title: 'latency',
      colour: '--latency',
      read: ({ health }) => health?.latencyMs ?? null,
      least: 2,
      format: formatDuration,
    }),
  ]
}

function showPool(element: HTMLElement, { report }: ServiceView, samples: readonly Sample[]): void {
  const pool = report?.pool
  const failures = samples.reduce((sum, sample) => sum + sample.failures, 0)
  const numbers = {
    used: pool?.checkedOut,
    idle: pool?.idle,
    overflow: pool?.overflow,
    waiting: pool?.waiting,
    failures: pool && failures,
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

/** Replaces the list where it changed. */
function showList(
  list: HTMLElement,
  items: readonly { className: string; texts: readonly string[] }[],
  none: string,
): void {
  const key = JSON.stringify([items, none])
  if (list.dataset.key === key) return
  list.dataset.key = key
  const entries = items.map(({ className, texts }) =>
    create('li', className, ...texts.map((text) => create('span', '', text))),
  )
  list.replaceChildren(...(entries.length === 0 ? [create('li', 'none', none)] : entries))
}
