import { budgetAdvice, checkBudget } from '@shared/monitor'
import { explainConfinement } from '@shared/monitor/confinement'
import { explainAdvice } from '@shared/monitor/explain'
import type { MonitoredContext } from '../context/context.ts'
import { readLimits } from '../health/health-report.ts'
import type { Logger } from '../log/logger.ts'

/** The variables that bound a request's work, in seconds; the server's own limit is off at 0. */
export interface DeadlineEnv {
  readonly REQUEST_TIMEOUT: number
  readonly DATABASE_POOL_TIMEOUT?: number
  readonly DATABASE_CONNECT_TIMEOUT?: number
  readonly DATABASE_STATEMENT_TIMEOUT?: number
}

/** Each bound that must be below another, and what happens where it is not. */
const pairs: readonly (readonly [inner: keyof DeadlineEnv, outer: keyof DeadlineEnv, otherwise: string])[] = [
  [
    'DATABASE_CONNECT_TIMEOUT',
    'DATABASE_POOL_TIMEOUT',
    'a checkout times out before the first attempt to connect has failed, so its error cannot name the reason',
  ],
  [
    'DATABASE_POOL_TIMEOUT',
    'REQUEST_TIMEOUT',
    'a request that gets its connection late has no time left to use it',
  ],
  [
    'DATABASE_STATEMENT_TIMEOUT',
    'REQUEST_TIMEOUT',
    'requests are cancelled before the server ends their statements',
  ],
]

/** A sentence for each two bounds that do not fit together: which they are, what follows, what to do. Empty where all fit. */
export function deadlineWarnings(env: DeadlineEnv): string[] {
  return pairs.flatMap(([inner, outer, otherwise]) => {
    const [innerSeconds, outerSeconds] = [env[inner], env[outer]]
    if (!innerSeconds || !outerSeconds || innerSeconds < outerSeconds) return []
    return `${inner} (${innerSeconds} s) is not below ${outer} (${outerSeconds} s): ${otherwise}. Lower the first or raise the second.`
  })
}

/** Warns once of what `/health/detailed` shows: a role that is not confined, a pool that cannot grow to its size. */
export async function warnAboutServer(
  { database, monitor }: Pick<MonitoredContext, 'database' | 'monitor'>,
  logger: Logger,
): Promise<void> {
  const server = await monitor.health.details()
  if (server === null) return
  if (!server.confinement.confined) {
    const findings = explainConfinement(database.name, server.role.name, server.confinement.findings)
    logger.warn(
      { findings },
      'the role is not confined to its own database: bun run doctor says what to change',
    )
  }
  const { replicas } = monitor
  const pool = database.status()
  const ceiling = database.ceiling()
  const advice = budgetAdvice(checkBudget(pool, server, replicas, ceiling))
  if (advice) logger.warn(readLimits(pool, server, replicas, ceiling), explainAdvice(advice))
}
