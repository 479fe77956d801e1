import { errorCode } from './errors.ts'

const eventTypes = [
  'connect-failed',
  'connection-lost',
  'statement-stalled',
  'ping-failed',
  'reset-failed',
  'invalidated',
  'checkout-timeout',
  'saturated',
  'nested-checkout',
  'checkout-slow',
  'slow-query',
  'hook-failed',
  'hook-timeout',
  'lease-leaked',
  'lease-returned',
  'health-failed',
  'degraded',
  'blocked',
  'recovered',
  'definitions-changed',
  'plans-held',
  'plans-released',
  'pooler-detected',
  'parameters-ignored',
  'failed-over',
  'listen-lost',
  'listen-restored',
  'notifications-dropped',
  'handler-failed',
] as const

export type DatabaseEventType = (typeof eventTypes)[number]

/** How often each type of event was recorded since the start. */
export type EventCounts = Readonly<Record<DatabaseEventType, number>>

/**
 * Something an operator wants to know about: codes, numbers and places in the program. Of the texts of others only that of a
 * statement, where every constant is masked and no parameter is.
 */
export interface DatabaseEvent {
  type: DatabaseEventType
  /** SQLSTATE, driver code or this layer's code. */
  code: string | null
  /** ISO 8601. */
  at: string
  /** Numbers, a place in the program, what was found, or statements' masked texts; of a session its role and application_name. */
  detail?: string
}

/** The last events of one database, newest last. */
export interface EventLog {
  record(type: DatabaseEventType, error?: unknown, detail?: string): void
  events(): readonly DatabaseEvent[]
  counts(): EventCounts
}

/**
 * Keeps `capacity` events (50) and passes each on to `onEvent`; a listener that throws breaks nothing. Beyond that many the kind
 * that is there most often loses its oldest: an outage, which repeats one kind, does not push out how it began.
 */
export function createEventLog(
  options: { capacity?: number; onEvent?: (event: DatabaseEvent) => void } = {},
): EventLog {
  const { capacity = 50, onEvent } = options
  const ring: DatabaseEvent[] = []
  const counts = Object.fromEntries(eventTypes.map((type) => [type, 0])) as Record<DatabaseEventType, number>
  return {
    record(type, error, detail) {
      const at = new Date().toISOString()
      const event: DatabaseEvent = {
        type,
        code: errorCode(error),
        at,
        ...(detail !== undefined && { detail }),
      }
      ring.push(event)
      counts[type]++
      if (ring.length > capacity) ring.splice(oldestOfTheMost(ring), 1)
      try {
        onEvent?.(event)
      } catch {
        // The listener is the application's; the pool goes on without it, and the ring has the event.
      }
    },
    events: () => [...ring],
    counts: () => ({ ...counts }),
  }
}

/** Where the oldest event is of the kind, type and code, that there is most of; of several such kinds the one that comes first. */
function oldestOfTheMost(events: readonly DatabaseEvent[]): number {
  const kindOf = ({ type, code }: DatabaseEvent) => `${type} ${code}`
  const counts = new Map<string, number>()
  for (const event of events) counts.set(kindOf(event), (counts.get(kindOf(event)) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return events.findIndex((event) => counts.get(kindOf(event)) === most)
}
