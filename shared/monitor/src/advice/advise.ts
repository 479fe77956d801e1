import { leakedLease, overflow, oversized, saturated, waiting } from './pool-rules.ts'
import {
  databaseDown,
  failures,
  idleTransaction,
  overBudget,
  probeFailures,
  slowStatement,
} from './server-rules.ts'
import type { Advice, Rule, Situation } from './situation.ts'

const rules: readonly Rule[] = [
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

const levels: readonly Advice['level'][] = ['critical', 'warning', 'info']

/** What there is to say of a situation, the worst first; empty when all is well. */
export function advise(situation: Situation): Advice[] {
  return rules
    .flatMap((rule) => rule(situation) ?? [])
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level))
}
