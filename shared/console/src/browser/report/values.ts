import { formatDuration } from '@shared/monitor/duration'
import { formatTime, localTimes } from '../format.ts'

const isoTime = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/**
 * A value of a report for people, by the unit that its key ends with: `12.3 ms`, `151.1 MiB`, `14:03:07`, `yes`, `4,711`.
 *
 * @param absent Said in place of null, of an empty list, and of -1, which stands for no limit.
 */
export function describeValue(key: string, value: unknown, absent: string): string {
  if (value === null || value === undefined || value === -1) return absent
  if (typeof value === 'number') {
    if (key.endsWith('Ms')) return formatDuration(value)
    if (key.endsWith('Bytes')) return `${(value / 1_048_576).toFixed(1)} MiB`
    return key === 'pid' ? String(value) : value.toLocaleString('en')
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map((part) => describeValue(key, part, absent)).join(', ') || absent
  if (typeof value === 'object') return JSON.stringify(value)
  return isoTime.test(String(value)) ? describeTime(String(value)) : localTimes(String(value))
}

/** The time of day of an ISO text, with its day where that is not today: `14:03:07`, `28 Nov, 14:03:07`. */
export function describeTime(iso: string, now = new Date()): string {
  const at = new Date(iso)
  const time = formatTime(iso)
  if (at.toDateString() === now.toDateString()) return time
  const year = at.getFullYear() === now.getFullYear() ? undefined : 'numeric'
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year })}, ${time}`
}
