/** A span of time for people: `0.4 ms`, `120 ms`, `3.2 s`, `5 min`, `2 h`; an en dash for null. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`
}

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
    if (key.endsWith('Ms')) return formatMs(value)
    if (key.endsWith('Bytes')) return `${(value / 1_048_576).toFixed(1)} MiB`
    return key === 'pid' ? String(value) : value.toLocaleString('en')
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
