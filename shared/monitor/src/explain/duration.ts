/** A time for people, with three digits at most: `0.42 ms`, `120 ms`, `3.2 s`, `2.5 min`, `3 h`, `12 days`; an en dash for null. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1_000) return `${formatNumber(ms)} ms`
  if (ms < 120_000) return `${formatNumber(ms / 1_000)} s`
  if (ms < 7_200_000) return `${formatNumber(ms / 60_000)} min`
  if (ms < 172_800_000) return `${formatNumber(ms / 3_600_000)} h`
  return `${formatNumber(ms / 86_400_000)} days`
}

/** A number without the digits behind which nothing was measured: two places below 1, one below 100, none from there on. */
export function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 2
  return String(Number(value.toFixed(digits)))
}
