import { type Stat, summarize } from './statistics.ts'

/** What one candidate did in one variant of a scenario, for each number what each round gave. */
export interface Samples {
  readonly scenario: string
  /** How the scenario was set: `64 callers`. */
  readonly variant: string
  readonly peer: string
  readonly values: Record<string, number[]>
}

/** The same with the rounds summed up. */
export interface Result extends Omit<Samples, 'values'> {
  readonly values: Readonly<Record<string, Stat>>
}

/** A number that a scenario measures. */
export interface Metric {
  readonly id: string
  readonly title: string
  /** What is divided to compare us with a peer, so that above 1 is better; null: not compared. */
  readonly better: 'higher' | 'lower' | null
}

/** Something promised of the numbers, and whether they keep it. */
export interface Bar {
  readonly text: string
  /** What was measured, in words; null when the run did not measure it. */
  readonly measured: string | null
  readonly kept: boolean
}

/** Collects samples by candidate, in the order in which the candidates first appear. */
export class Collector {
  readonly #samples = new Map<string, Samples>()

  add(scenario: string, variant: string, peer: string, values: Readonly<Record<string, number>>): void {
    const key = `${scenario}/${variant}/${peer}`
    const present = this.#samples.get(key) ?? { scenario, variant, peer, values: {} }
    this.#samples.set(key, present)
    for (const [name, value] of Object.entries(values)) {
      const all = present.values[name] ?? []
      present.values[name] = all
      all.push(value)
    }
  }

  results(): Result[] {
    return [...this.#samples.values()].map(({ values, ...rest }) => ({
      ...rest,
      values: Object.fromEntries(Object.entries(values).map(([name, all]) => [name, summarize(all)])),
    }))
  }
}

/** One number of one candidate, or null when it was not measured. */
export function statOf(
  results: readonly Result[],
  where: { scenario: string; variant: string; peer: string; metric: string },
): Stat | null {
  const found = results.find(
    ({ scenario, variant, peer }) =>
      scenario === where.scenario && variant === where.variant && peer === where.peer,
  )
  return found?.values[where.metric] ?? null
}
