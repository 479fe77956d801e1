import { headline } from '../headline.ts'
import type { ServiceView } from '../wire.ts'
import { type Card, createCard } from './card/card.ts'
import { type Scales, scalesOf } from './chart/measures.ts'
import { createDetails } from './details.ts'
import { create, find, setText } from './elements.ts'
import { openStream, type StreamState } from './stream.ts'

const announcedMs = 15_000
const grid = find(document, '#services')
const stream = find(document, '#stream')
const announcements = find(document, '#announcements')
const details = createDetails()
const cards = new Map<string, Card>()
const views = new Map<string, ServiceView>()
let scales: Scales | null = null

const streamTexts: Record<StreamState, string> = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'The console is gone: what is shown is old. Trying again …',
}

openStream(({ at, complete, whole, services }) => {
  if (complete) keepOnly(services)
  for (const view of services) {
    let card = cards.get(view.name)
    if (card === undefined) {
      card = createCard(view.name, (latest) => details.open(latest ?? view))
      cards.set(view.name, card)
      grid.append(card.element)
      grid.dataset.count = String(cards.size)
    }
    announce(views.get(view.name), view)
    views.set(view.name, view)
    card.update(view, whole, at)
  }
  draw(services, at)
  summarise()
}, showStream)

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const card of cards.values()) card.redraw()
})

/** A console that was started again may have other services. */
function keepOnly(services: readonly ServiceView[]): void {
  for (const [name, card] of cards) {
    if (services.some((view) => view.name === name)) continue
    card.element.remove()
    cards.delete(name)
    views.delete(name)
  }
  grid.dataset.count = String(cards.size)
}

/** Where the common scales change, all cards are drawn, so that no two differ. */
function draw(changed: readonly ServiceView[], now: number): void {
  const common = scalesOf(
    [...cards.values()].map(({ points }) => points),
    now,
  )
  const isSame = JSON.stringify(common) === JSON.stringify(scales)
  scales = common
  const names = isSame ? changed.map(({ name }) => name) : cards.keys()
  for (const name of names) cards.get(name)?.draw(common)
}

function announce(before: ServiceView | undefined, { name, status, reason }: ServiceView): void {
  if (before === undefined || before.status === status || status === 'unknown') return
  if (before.status === 'unknown' && status === 'healthy') return
  say(`${name} is ${status}. ${reason}`)
}

/** To those who listen to the page: several at once are all said, and gone when they are old. */
function say(text: string): void {
  const line = create('p', '', text)
  announcements.append(line)
  setTimeout(() => line.remove(), announcedMs)
}

function summarise(): void {
  const { status, text, title } = headline([...views.values()])
  const summary = find(document, '#summary')
  summary.dataset.status = status
  setText(summary, text)
  document.title = title
}

function showStream(state: StreamState): void {
  if (stream.dataset.state === state) return
  if (state === 'lost' || stream.dataset.state === 'lost')
    say(state === 'live' ? 'The console is back.' : streamTexts[state])
  stream.dataset.state = state
  document.body.classList.toggle('stale', state === 'lost')
  setText(stream, streamTexts[state])
}
