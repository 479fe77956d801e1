import { mulberry32 } from '@shared/pool/testing'
import { startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase, findDatabaseError } from '../../src/index.ts'
import { installAdaptive } from './adaptive-line.ts'
import { type Figures, figuresOf, medianOf } from './figures.ts'
import { type Line, lines } from './lines.ts'
import { type LoadId, loads } from './loads.ts'
import { runLoad } from './run-load.ts'

/** One line under one load. */
export interface Cell {
  readonly load: LoadId
  readonly line: string
  readonly rounds: readonly Figures[]
  readonly median: Figures
}

export interface OverloadReport {
  /** Calls a second that four connections can serve, in each round. */
  readonly perSecond: readonly number[]
  readonly cells: readonly Cell[]
}

const connections = 4
const capacityMs = 700
const capacityTrials = 4
const transaction = sql`select pg_sleep(0.01)`

/** Runs each load on each line, in rounds, each of which begins with another line. */
export async function measureOverload(options: {
  only: readonly LoadId[]
  rounds: number
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<OverloadReport> {
  const { only, rounds, signal, onProgress } = options
  onProgress('starting a server')
  await using server = await startTestServer()
  const { appUrl } = await server.database()
  const found = new Map<string, Figures[]>()
  const perSecond: number[] = []
  const total = rounds * only.length * lines.length
  let done = 0
  for (let round = 0; round < rounds; round++) {
    const capacity = await measureCapacity(appUrl)
    perSecond.push(capacity)
    for (const load of only) {
      const figures: (Figures & { line: string })[] = []
      for (let turn = 0; turn < lines.length; turn++) {
        signal.throwIfAborted()
        const line = lines[(turn + round * 5) % lines.length] as Line
        onProgress(`${++done}/${total} ${load}: ${line.title}`)
        const run = await runOn(appUrl, line, (work) =>
          runLoad(loads[load], capacity, mulberry32(1 + round), work),
        )
        figures.push({ line: line.title, ...figuresOf(run) })
      }
      const best = Math.max(...figures.map(({ goodput }) => goodput))
      for (const { line, ...own } of figures) {
        const key = `${load} ${line}`
        found.set(key, [...(found.get(key) ?? []), { ...own, goodput: own.goodput / best }])
      }
    }
  }
  const cells = only.flatMap((load) =>
    lines.map(({ title }): Cell => {
      const all = found.get(`${load} ${title}`) ?? []
      return { load, line: title, rounds: all, median: medianOf(all) }
    }),
  )
  return { perSecond, cells }
}

async function runOn<T>(
  url: string,
  { pool, adaptive }: Line,
  fn: (work: () => Promise<string | null>) => Promise<T>,
): Promise<T> {
  using _ = adaptive && installAdaptive(adaptive)
  const database = createDatabase({
    name: 'overload',
    url,
    pool: { poolSize: connections, maxOverflow: 0, slowCheckoutMs: 0, ...pool },
  })
  try {
    return await fn(() =>
      database.db
        .transaction((tx) => tx.execute(transaction))
        .then(
          () => null,
          (error: unknown) => findDatabaseError(error)?.code ?? 'OTHER',
        ),
    )
  } finally {
    await database.close()
  }
}

/** As many callers as keep every connection busy, each with one call after the other; the best of some trials. */
async function measureCapacity(url: string): Promise<number> {
  return runOn(url, { title: 'capacity', pool: {}, adaptive: null }, async (work) => {
    await Promise.all(Array.from({ length: connections }, work))
    const rates: number[] = []
    for (let trial = 0; trial < capacityTrials; trial++) {
      const startedAt = performance.now()
      let served = 0
      const caller = async () => {
        for (; performance.now() - startedAt < capacityMs; served++) await work()
      }
      await Promise.all(Array.from({ length: 3 * connections }, caller))
      rates.push((served * 1_000) / (performance.now() - startedAt))
    }
    return Math.max(...rates)
  })
}
