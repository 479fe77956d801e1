import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@shared/postgres/testing'
import { describeError, type Load } from './load.ts'
import type { LongStatement } from './messages.ts'
import type { Peer } from './peers.ts'
import { schedule } from './schedule.ts'

/** Waits until somebody is served again, then runs a long statement through the same pool and says how it ended. */
export async function runLongStatement(peer: Peer, load: Load): Promise<LongStatement> {
  const isServed = eventually(() => load.anyServed, { timeoutMs: schedule.boundMs }).catch(() => false)
  if (!(await isServed)) return { outcome: 'not begun' }
  const startedAt = performance.now()
  const elapsedMs = () => performance.now() - startedAt
  return Promise.race([
    peer.sleep(schedule.longMs / 1_000).then(
      (): LongStatement => ({ outcome: 'completed', ms: elapsedMs() }),
      (error: unknown): LongStatement => ({
        outcome: 'failed',
        ms: elapsedMs(),
        error: describeError(error),
      }),
    ),
    sleep(schedule.longMs + schedule.hungMs).then(
      (): LongStatement => ({ outcome: 'hung', ms: elapsedMs() }),
    ),
  ])
}
