import { build } from './build.ts'
import { checkout } from './checkout.ts'
import { cold } from './cold.ts'
import { copy } from './copy.ts'
import { distance } from './distance.ts'
import { memory } from './memory.ts'
import { mixed } from './mixed.ts'
import type { Scenario } from './scenario.ts'
import { select } from './select.ts'
import { waiters } from './waiters.ts'
import { insert, transaction } from './writes.ts'

/** All scenarios, in the order in which they run. */
export const scenarios = {
  checkout,
  waiters,
  build,
  select,
  insert,
  transaction,
  mixed,
  copy,
  distance,
  cold,
  memory,
} satisfies Record<string, Scenario>

export type ScenarioId = keyof typeof scenarios

export const scenarioIds = Object.keys(scenarios) as ScenarioId[]
