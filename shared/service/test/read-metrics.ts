/** Metrics as a scraper reads them. */
export interface ScrapedMetrics {
  /** Name → type, of every family. */
  types: Record<string, string>
  /** `name{labels}` → value, labels in the order written. */
  values: Record<string, number>
  /** The value of the one series with this name whose labels include these. */
  value(name: string, labels?: Record<string, string>): number | undefined
}

/** Reads Prometheus' text format strictly: a line of any other form, a series twice, or one without HELP and TYPE throws. */
export function readMetrics(text: string): ScrapedMetrics {
  const types: Record<string, string> = {}
  const helped = new Set<string>()
  const values: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const help = /^# HELP ([a-z_][a-z_0-9]*) \S.*$/.exec(line)
    const type = /^# TYPE ([a-z_][a-z_0-9]*) (counter|gauge|histogram|untyped)$/.exec(line)
    const series = /^([a-z_][a-z_0-9]*)((?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+\})?) (\+Inf|[-+.\de]+)$/.exec(
      line,
    )
    if (help?.[1]) helped.add(help[1])
    else if (type?.[1] && type[2]) types[type[1]] = type[2]
    else if (series?.[1]) {
      const family = series[1].replace(/_(bucket|sum|count)$/, '')
      if (!helped.has(family) && !helped.has(series[1])) throw new Error(`no HELP before: ${line}`)
      const key = series[1] + series[2]
      if (key in values) throw new Error(`twice: ${key}`)
      values[key] = series[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(series[3])
    } else if (line !== '') throw new Error(`not a metric: ${line}`)
  }
  return {
    types,
    values,
    value(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      const found = Object.keys(values).filter(
        (key) => key.replace(/\{.*/, '') === name && wanted.every((part) => key.includes(part)),
      )
      if (found.length > 1) throw new Error(`several: ${found.join(' ')}`)
      return values[found[0] ?? '']
    },
  }
}
