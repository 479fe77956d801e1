import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ConformanceCase } from './case.ts'
import { aggregateCases } from './cases/aggregates.ts'
import { arrays } from './cases/arrays.ts'
import { numberColumns } from './cases/columns-numbers.ts'
import { otherColumns } from './cases/columns-other.ts'
import { textColumns } from './cases/columns-text.ts'
import { timeColumns } from './cases/columns-time.ts'
import { concurrencyCases } from './cases/concurrency.ts'
import { configuredCases } from './cases/configured.ts'
import { definitionCases } from './cases/definitions.ts'
import { documentCases } from './cases/documents.ts'
import { errorCases } from './cases/errors.ts'
import { failedTransactionCases } from './cases/failed-transactions.ts'
import { handleCases } from './cases/handle.ts'
import { inferredParameterCases } from './cases/inferred-parameters.ts'
import { insertCases } from './cases/insert.ts'
import { isolationCases } from './cases/isolation.ts'
import { joinCases } from './cases/joins.ts'
import { largeCases } from './cases/large.ts'
import { parameterCases } from './cases/parameters.ts'
import { preparedCases } from './cases/prepared.ts'
import { preparedValueCases } from './cases/prepared-values.ts'
import { rawCases } from './cases/raw.ts'
import { savepointCases } from './cases/savepoints.ts'
import { selectCases } from './cases/select.ts'
import { subqueryCases } from './cases/subqueries.ts'
import { transactionCases } from './cases/transactions.ts'
import { updateDeleteCases } from './cases/update-delete.ts'
import { hasSubstance, listDifferences } from './compare.ts'
import type { Side } from './sides.ts'
import { variant } from './variant.ts'

/** All cases by topic, in the order they run. */
export const topics: Readonly<Record<string, readonly ConformanceCase[]>> = {
  'columns of numbers': numberColumns,
  'columns of text': textColumns,
  'columns of time': timeColumns,
  'other columns': otherColumns,
  arrays: [...arrays, ...variant.dimensionCases],
  documents: documentCases,
  insert: insertCases,
  'update and delete': updateDeleteCases,
  select: selectCases,
  aggregates: aggregateCases,
  joins: joinCases,
  subqueries: subqueryCases,
  'relational queries': variant.relationalCases,
  'prepared statements': preparedCases,
  'values of prepared statements': preparedValueCases,
  'raw statements': rawCases,
  parameters: parameterCases,
  'inferred parameters': inferredParameterCases,
  errors: errorCases,
  transactions: transactionCases,
  isolation: isolationCases,
  savepoints: savepointCases,
  'failed transactions': failedTransactionCases,
  concurrency: concurrencyCases,
  'large values': largeCases,
  'changing definitions': definitionCases,
  'the handle': handleCases,
  'configured handles': configuredCases,
}

/** Longer than a case that hangs takes on every side, new handles included. */
export const timeoutMs = 120_000

/** A case that is known to come out differently on a side. */
export interface Exception {
  readonly case: string
  readonly side: string
  /** What is different, and why it has to be. */
  readonly reason: string
}

/**
 * Declares one test a case. `open` gives the sides; the first is what the others are compared with.
 *
 * @param exceptions One that comes out the same after all fails its test, so that the list holds what is true.
 */
export function compareSides(
  open: () => Promise<readonly Side[]>,
  exceptions: readonly Exception[] = [],
): void {
  let sides: readonly Side[] = []

  beforeAll(async () => {
    sides = await open()
  }, timeoutMs)

  afterAll(async () => {
    await Promise.all(sides.map((side) => side.close()))
  })

  for (const [topic, cases] of Object.entries(topics)) {
    describe(topic, () => {
      for (const runnable of cases) test(runnable.name, () => compare(runnable), timeoutMs)
    })
  }

  async function compare(runnable: ConformanceCase): Promise<void> {
    const able = sides.filter((side) => !(side.singleConnection && runnable.severalConnections))
    const [expected, ...others] = await Promise.all(
      able.map(async (side) => ({ side: side.name, answer: await side.run(runnable) })),
    )
    if (!expected || others.length === 0) throw new Error('Nothing to compare')
    expect(expected.answer).not.toHaveProperty('result.caseFailed')
    expect(expected.answer).not.toEqual(expect.objectContaining({ result: 'hanging' }))
    expect(hasSubstance(expected.answer)).toBe(true)
    const isExcepted = (side: string) =>
      exceptions.some((exception) => exception.case === runnable.name && exception.side === side)
    const differences = others.map(({ side, answer }) => {
      const found = listDifferences(expected.answer, answer)
      if (!isExcepted(side)) return [side, found]
      return [side, found.length > 0 ? [] : ['is listed as an exception, and is none']]
    })
    expect(Object.fromEntries(differences)).toEqual(Object.fromEntries(others.map(({ side }) => [side, []])))
  }
}
