/** A number as an operator reads it: three digits at most behind which nothing was measured. */
export function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 2
  return String(Number(value.toFixed(digits)))
}

/** A time as an operator reads it. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${number(ms)} ms`
  if (ms < 120_000) return `${number(ms / 1_000)} s`
  return `${number(ms / 60_000)} min`
}

/** A share (0 to 1) in per cent. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** A count with its noun. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

/** A statement on one line of an advice. */
export function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)} …` : text
}
