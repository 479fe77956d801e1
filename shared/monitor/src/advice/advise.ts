import type { Advice, AdviceLevel } from './advice.ts'
import {
  failedOver,
  hostUnreachable,
  noPrimary,
  readsOnPrimary,
  splitBrain,
  standbyLag,
} from './host-rules.ts'
import { blocked } from './lock-rules.ts'
import { leakedLease, overflow, oversized, saturated, waiting } from './pool-rules.ts'
import {
  ceilingReached,
  databaseDown,
  failures,
  idleTransaction,
  overBudget,
  probeFailures,
  restarted,
  slowStatement,
} from './server-rules.ts'
import type { Situation } from './situation.ts'

const rules: readonly ((situation: Situation) => Advice | null)[] = [
  databaseDown,
  noPrimary,
  splitBrain,
  blocked,
  saturated,
  ceilingReached,
  overBudget,
  failures,
  probeFailures,
  restarted,
  hostUnreachable,
  standbyLag,
  waiting,
  leakedLease,
  slowStatement,
  idleTransaction,
  failedOver,
  readsOnPrimary,
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
