import { formatDuration } from '@shared/monitor/duration'
import { create } from '../elements.ts'
import { axisTicks, placeOf } from './time-axis.ts'
import { describeTime } from './values.ts'

/** A part of a request's time, as `/health/detailed` has it. */
interface Span {
  readonly kind: 'wait' | 'connect' | 'transaction' | 'statement'
  readonly startMs: number
  readonly durationMs: number
  readonly statement: string | null
  readonly rows: number | null
  readonly outcome: string | null
  readonly code: string | null
}

interface SlowRequest {
  readonly at: string
  readonly method: string
  readonly route: string | null
  readonly requestId: string | null
  readonly traceId: string | null
  readonly status: number
  readonly durationMs: number
  readonly spans: readonly Span[]
  readonly omitted: number
}

/** The part of the report with the slow requests; null where none are kept. */
export type SlowRequests = { readonly fromMs: number; readonly list: readonly SlowRequest[] } | null

const kinds: Readonly<Record<Span['kind'], string>> = {
  wait: 'wait for a connection',
  connect: 'connect to the server',
  transaction: 'transaction',
  statement: 'statement',
}

/**
 * The last slow requests, newest first, each with its time as bars on one axis, and every bar in words beside it.
 *
 * @param choices Which of them were opened and closed, by their identity; it is kept up to date. The newest one is open by itself.
 */
export function showSlowRequests(slow: SlowRequests | undefined, choices: Map<string, boolean>): HTMLElement {
  if (slow === undefined) return create('p', 'none', 'Not known: this version of the service does not say.')
  if (slow === null) return create('p', 'none', 'Not kept: DATABASE_SLOW_QUERY is 0 there.')
  const { fromMs, list } = slow
  if (list.length === 0)
    return create('p', 'none', `None took ${formatDuration(fromMs)} or longer, and none failed.`)
  const intro = create(
    'p',
    'none',
    `Requests that took ${formatDuration(fromMs)} or longer, or were answered with 5xx; newest first.`,
  )
  return create(
    'div',
    'slow',
    intro,
    ...list.map((request, index) => showRequest(request, index === 0, choices)),
  )
}

function showRequest(request: SlowRequest, isNewest: boolean, choices: Map<string, boolean>): HTMLElement {
  const { at, method, route, status, durationMs, requestId } = request
  const time = create('time', '', describeTime(at))
  time.dateTime = at
  const code = create('span', status >= 500 ? 'problem' : 'status', `status ${status}`)
  const took = create('strong', '', formatDuration(durationMs))
  const summary = create('summary', '', time, ` ${method} ${route ?? '(no route)'} `, code, ' ', took)
  const element = create('details', 'slow-request', summary, ...showParts(request))
  const identity = `${at} ${requestId}`
  element.open = choices.get(identity) ?? isNewest
  element.addEventListener('toggle', () => void choices.set(identity, element.open))
  return element
}

function showParts(request: SlowRequest): HTMLElement[] {
  const { spans, omitted, requestId, traceId, durationMs } = request
  const ids = [
    ...(requestId === null ? [] : [`request ${requestId}`]),
    ...(traceId === null ? [] : [`trace ${traceId}`]),
  ]
  const said = create('p', 'none', ids.join(' · '))
  if (spans.length === 0) return [said, create('p', 'none', 'It did nothing with the database.')]
  const whole = { kind: 'request', label: 'request', startMs: 0, durationMs, text: null, notes: [] }
  const lines = [whole, ...spans.map(describeSpan)]
  const ticks = axisTicks(durationMs)
  const list = create('ol', 'waterfall', ...lines.map((line) => showLine(line, durationMs, ticks)))
  list.setAttribute('aria-label', 'What its time went into')
  const rest = omitted === 0 ? [] : [create('p', 'none', `${omitted} shorter ones are not shown.`)]
  return [said, showAxis(ticks, durationMs), list, ...rest]
}

interface Line {
  readonly kind: string
  readonly label: string
  readonly startMs: number
  readonly durationMs: number
  readonly text: string | null
  readonly notes: readonly string[]
}

function describeSpan({ kind, startMs, durationMs, statement, rows, outcome, code }: Span): Line {
  const notes = [
    ...(rows === null ? [] : [rows === 1 ? '1 row' : `${rows.toLocaleString('en')} rows`]),
    ...(outcome === null ? [] : [outcome]),
    ...(code === null ? [] : [`failed: ${code}`]),
  ]
  return { kind, label: kinds[kind] ?? kind, startMs, durationMs, text: statement, notes }
}

function showLine(line: Line, endMs: number, ticks: readonly number[]): HTMLElement {
  const { kind, label, startMs, durationMs, text, notes } = line
  const times = [`from ${formatDuration(startMs)} for ${formatDuration(durationMs)}`, ...notes]
  const bar = create('i', '')
  const { left, width } = placeOf(line, endMs)
  bar.style.left = `${left}%`
  bar.style.width = `${width}%`
  const track = create('div', 'track', bar)
  track.setAttribute('aria-hidden', 'true')
  if (ticks.length > 1) track.style.backgroundSize = `${(100 * (ticks[1] ?? 0)) / endMs}% 100%`
  const words = create('p', '', create('b', 'kind', label), ` ${times.join(' · ')}`)
  return create('li', kind, words, track, ...(text === null ? [] : [create('code', '', text)]))
}

/** For the eye: what a bar says by its place is in words beside it. */
function showAxis(ticks: readonly number[], endMs: number): HTMLElement {
  const axis = create('div', 'axis')
  axis.setAttribute('aria-hidden', 'true')
  for (const tick of ticks) {
    const mark = create('span', '', formatDuration(tick))
    mark.style.left = `${(100 * tick) / endMs}%`
    axis.append(mark)
  }
  return axis
}
