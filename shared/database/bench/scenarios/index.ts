import type { Scenario } from './scenario.ts'
import { select } from './select.ts'

/** All scenarios, in the order in which they run. */
export const scenarios = { select } satisfies Record<string, Scenario>

export type ScenarioId = keyof typeof scenarios

export const scenarioIds = Object.keys(scenarios) as ScenarioId[]
