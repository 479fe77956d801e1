import {
  type DescribedHost,
  describeHosts,
  type LockTreeRow,
  latestEvents,
  lockTreeRows,
} from '@shared/console'
import { formatDuration } from '@shared/monitor/duration'
import type { Colour, Painter } from '../terminal/paint.ts'
import { ago, clip, fit, wrap } from '../terminal/text.ts'
import { capacityOf, renderBar, statusColour, statusText } from './status-cells.ts'
import type { StatusSummary } from './status-summary.ts'

/** How {@link renderStatus} draws. */
export interface StatusStyle {
  /** Columns of the terminal; no line is longer. At least 60. */
  readonly width: number
  readonly paint: Painter
  /** Epoch ms. */
  readonly now: number
}

/** Below this the columns of the table have no room for a bar, and each service gets lines of its own. */
const tableWidth = 91
const statusWidth = 13
const longestName = 16
const shownEvents = 6

/** Everything about the services as text: pools, hosts, why something is wrong, what to do about it, what happened last. */
export function renderStatus(services: readonly StatusSummary[], style: StatusStyle): string {
  const blocks = [
    style.width >= tableWidth ? table(services, style) : services.flatMap((service) => stack(service, style)),
    services.flatMap((service) => hosts(service, style)),
    services.flatMap((service) => notes(service, style)),
    services.flatMap((service) => locks(service, style)),
    events(services, style),
  ]
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join('\n'))
    .join('\n\n')
}

const headings = ['used', 'idle', 'over', 'wait', 'behind'] as const

function table(services: readonly StatusSummary[], { width, paint }: StatusStyle): string[] {
  const name = Math.max(7, ...services.map((service) => Math.min(service.name.length, longestName)))
  const most = Math.max(
    2,
    ...services.map(({ report }) => (report ? `${capacityOf(report.pool)}`.length : 0)),
  )
  // Two blanks after each, numbers five wide, those behind seven, times nine, failures six.
  const bar = width - (name + 2) - (statusWidth + 2) - (most + 2) - 4 * 5 - 7 - 2 * 9 - 6 - 2
  const row = (
    first: string,
    status: string,
    pool: string,
    numbers: readonly string[],
    rest: readonly string[],
  ) =>
    [
      fit(first, name + 2),
      fit(status, statusWidth + 2),
      fit(pool, bar + most + 4),
      ...numbers.map((text, at) => fit(text, at === 4 ? 7 : 5, 'right')),
      ...rest.slice(0, 2).map((text) => fit(text, 9, 'right')),
      fit(rest[2] ?? '', 6, 'right'),
    ].join('')
  const heading = row('service', 'health', 'pool', headings, ['wait p99', 'latency', 'fail'])
  return [
    paint('grey', heading.trimEnd()),
    ...services.map((service) => {
      const { report } = service
      const numbers = numbersOf(service, paint)
      const drawn = report === null ? '' : `${renderBar(report.pool, bar, paint)} /${capacityOf(report.pool)}`
      return row(
        clip(service.name, name),
        statusText(service.status, paint),
        drawn,
        [numbers.used, numbers.idle, numbers.overflow, numbers.waiting, numbers.behind],
        [numbers.waitP99, numbers.latency, numbers.failures],
      )
    }),
  ]
}

function stack(service: StatusSummary, { width, paint }: StatusStyle): string[] {
  const { report, name, status, url } = service
  const head = `${fit(clip(name, longestName), longestName)} ${fit(statusText(status, paint), statusWidth)} `
  const address = url.replace(/^https?:\/\//, '')
  const lines = [head + paint('grey', clip(address, width - Bun.stringWidth(head)))]
  if (report === null) return lines
  const numbers = numbersOf(service, paint)
  const size = ` /${capacityOf(report.pool)}`
  return [
    ...lines,
    `  ${renderBar(report.pool, width - 2 - size.length, paint)}${size}`,
    `  used ${numbers.used}  idle ${numbers.idle}  over ${numbers.overflow}  wait ${numbers.waiting}  behind ${numbers.behind}  fail ${numbers.failures}`,
    `  wait p99 ${numbers.waitP99}  latency ${numbers.latency}`,
  ]
}

/** The same for both layouts, with a colour for what should not be. */
function numbersOf({ report, waitP99Ms, failures }: StatusSummary, paint: Painter) {
  const count = (value: number | null | undefined, colour?: 'yellow' | 'red'): string => {
    if (value === null || value === undefined) return '–'
    return colour !== undefined && value > 0 ? paint(colour, String(value)) : String(value)
  }
  const pool = report?.pool
  return {
    used: count(pool?.checkedOut),
    idle: count(pool?.idle),
    overflow: count(pool?.overflow),
    waiting: count(pool?.waiting, 'yellow'),
    behind: count(pool?.behind, 'yellow'),
    failures: count(failures, 'red'),
    waitP99: formatDuration(waitP99Ms),
    latency: formatDuration(report?.database.latencyMs),
  }
}

const roleColours: Readonly<Partial<Record<DescribedHost['role'], Colour>>> = {
  primary: 'green',
  'read-only': 'yellow',
  'old-primary': 'red',
  unreachable: 'red',
}

/** What the hosts of its database are, where it has several. */
function hosts({ name, report }: StatusSummary, { width, paint }: StatusStyle): string[] {
  const described = describeHosts(report?.cluster).map(({ host, role, words }) => {
    const colour = roleColours[role]
    return `${host} ${colour === undefined ? words : paint(colour, words)}`
  })
  return described.length === 0 ? [] : wrap(`${clip(name, longestName)}: `, described.join(' · '), width)
}

/** Why it is not healthy, then the advice that is not that same sentence. */
function notes(
  { name: whole, status, reason, report }: StatusSummary,
  { width, paint }: StatusStyle,
): string[] {
  const name = clip(whole, longestName)
  const colours = { info: 'grey', warning: 'yellow', critical: 'red' } as const
  const advice = (report?.advice ?? []).filter(({ text }) => text !== reason)
  return [
    ...(reason === '' ? [] : wrap(`${paint(statusColour(status), name)}: `, reason, width)),
    ...advice.flatMap(({ level, text }) => wrap(`${name}: ${paint(colours[level], level)}: `, text, width)),
  ]
}

/** Who keeps whom waiting for a lock; those that wait with the same statement in one line, as there may be a hundred. */
function locks({ name, report }: StatusSummary, { width, paint }: StatusStyle): string[] {
  const groups: (LockTreeRow & { more: number })[] = []
  for (const row of lockTreeRows(report?.blockages ?? [])) {
    const before = groups.at(-1)
    const isSame =
      before?.depth === row.depth && before.statement === row.statement && before.session === row.session
    if (before && isSame && row.depth > 0) before.more++
    else groups.push({ ...row, more: 0 })
  }
  return groups.flatMap(({ depth, pid, doing, session, statement, more }) => {
    const head = depth === 0 ? `${clip(name, longestName)}: ` : `${'  '.repeat(depth)}└ `
    const others = more === 0 ? '' : ` and ${more} more`
    const who = `pid ${pid}${session === '' ? '' : ` (${session})`} ${doing}${others}: ${statement}`
    return wrap(paint(depth === 0 ? 'red' : 'yellow', head), who, width)
  })
}

/** The last events of all services, the newest first. */
function events(services: readonly StatusSummary[], { width, paint, now }: StatusStyle): string[] {
  const last = services
    .flatMap(({ name, report }) =>
      latestEvents(report?.events ?? [], shownEvents).map((burst) => ({ name, ...burst })),
    )
    .sort((left, right) => right.at - left.at)
    .slice(0, shownEvents)
  const name = Math.max(0, ...last.map((event) => Math.min(event.name.length, longestName)))
  return last.flatMap((event) => {
    const when = paint('grey', fit(ago(now - event.at), 10, 'right'))
    const times = event.count === 1 ? '' : `×${event.count}`
    const what = [event.type, event.code, times, event.detail].filter(Boolean).join(' ')
    return wrap(`${when}  ${fit(clip(event.name, name), name)}  `, what, width)
  })
}
