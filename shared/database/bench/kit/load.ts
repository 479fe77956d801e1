import { percentile } from './statistics.ts'

/** What a closed loop of callers got. */
export interface LoadResult extends Record<string, number> {
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Of this whole process, user and system, for each call. */
  cpuUs: number
}

/**
 * Has `callers` callers call again and again for `durationMs`, each with one call at a time.
 *
 * @param options.call Gets a number that counts up over all callers. Returns false to keep it out of the times.
 */
export async function runLoad(options: {
  callers: number
  durationMs: number
  call: (n: number) => Promise<unknown>
}): Promise<LoadResult> {
  const { callers, durationMs, call } = options
  const times: number[] = []
  let n = 0
  let calls = 0
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const cpu = process.cpuUsage()
  const caller = async (): Promise<void> => {
    for (let before = startedAt; before < endsAt; ) {
      const counts = await call(n++)
      const now = performance.now()
      calls++
      if (counts !== false) times.push(now - before)
      before = now
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedAt) / 1_000
  const sorted = Float64Array.from(times).sort()
  return {
    perSecond: calls / seconds,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    cpuUs: (user + system) / calls,
  }
}
