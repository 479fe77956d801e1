/** Round times for an axis that ends with `endMs`: 0, 200, 400 …, four steps at most, the last one not beyond the end. */
export function axisTicks(endMs: number): number[] {
  if (!(endMs > 0)) return [0]
  const least = endMs / 4
  const power = 10 ** Math.floor(Math.log10(least))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least) ?? endMs
  return Array.from({ length: Math.floor(endMs / step + 1e-9) + 1 }, (_, tick) =>
    Number((tick * step).toPrecision(6)),
  )
}

/** Where a part of a time lies on an axis that ends with `endMs`, in percent; nothing beyond it, and always wide enough to be seen. */
export function placeOf(
  { startMs, durationMs }: { readonly startMs: number; readonly durationMs: number },
  endMs: number,
): { readonly left: number; readonly width: number } {
  const percent = (ms: number): number => (endMs > 0 ? Math.min(100, Math.max(0, (100 * ms) / endMs)) : 0)
  const width = Math.max(leastWidth, percent(startMs + durationMs) - percent(startMs))
  return { left: Math.min(percent(startMs), 100 - width), width }
}

const leastWidth = 0.5
