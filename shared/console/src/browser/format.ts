import { formatDuration } from '@shared/monitor/duration'

/** The time of day of an epoch time or ISO text: `14:03:07`. */
export function formatTime(at: number | string): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

/** `longestWaitMs` → `longest wait`. */
export function words(key: string): string {
  return key
    .replace(/(Ms|Bytes)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
}

/** A value of a report as a text, by the unit that its key ends with. */
export function formatValue(key: string, value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') {
    if (key.endsWith('Ms')) return formatDuration(value)
    if (key.endsWith('Bytes')) return `${(value / 1_048_576).toFixed(1)} MiB`
    return key === 'pid' ? String(value) : value.toLocaleString('en')
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
