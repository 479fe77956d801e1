import type { Advice, AdviceLevel } from './advice.ts'
import { leakedLease, overflow, oversized, saturated, waiting } from './pool-rules.ts'
import {
  databaseDown,
  failures,
  idleTransaction,
  overBudget,
  probeFailures,
  slowStatement,
} from './server-rules.ts'
import type { Situation } from './situation.ts'

const rules: readonly ((situation: Situation) => Advice | null)[] = [
  databaseDown,
  saturated,
  overBudget,
  failures,
  probeFailures,
  waiting,
  leakedLease,
  slowStatement,
  idleTransaction,
  overflow,
  oversized,
]

const levels: readonly AdviceLevel[] = ['critical', 'warning', 'info']

/** What a situation advises, the worst first; empty when all is well. */
export function advise(situation: Situation): Advice[] {
  return rules
    .flatMap((rule) => rule(situation) ?? [])
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
}
