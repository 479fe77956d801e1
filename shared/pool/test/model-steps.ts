import fc from 'fast-check'
import type { PoolOptions } from '../src/pool-options.ts'
import type { LeaseKind } from '../src/slot.ts'

/** What a server's part in something is: it answers, refuses for now or for good, or keeps silent for a while. */
export type Manner = 'answers' | 'fails' | 'refuses' | 'hangs'

/** One thing that happens to a pool. `at` chooses among what there is at the moment; where there is nothing, it does nothing. */
export type Step =
  | { do: 'checkout'; timeoutMs: number }
  | { do: 'share'; timeoutMs: number; kind: Exclude<LeaseKind, 'exclusive'> }
  | { do: 'tryShare'; kind: Exclude<LeaseKind, 'exclusive'> }
  | { do: 'tryCheckout' | 'invalidate' }
  | {
      do: 'checkin'
      at: number
      reset: 'none' | 'rollback' | 'discard'
      manner: Manner
      twice: boolean
      busy: boolean
    }
  | { do: 'unshare' | 'abort' | 'replace' | 'speak'; at: number }
  | { do: 'kill'; what: 'idle' | 'held' | 'ping' | 'reset'; at: number }
  | { do: 'pass'; ms: number }
  | { do: 'connects' | 'pings'; manner: Manner; deaf: boolean }
  | { do: 'closes'; slow: boolean }
  | { do: 'allow'; count: number }
  | { do: 'answer'; at: number; manner: Manner }
  | { do: 'close'; timeoutMs: number }

const at = fc.nat({ max: 30 })
const manner = fc.constantFrom<Manner>('answers', 'answers', 'fails', 'refuses', 'hangs')
const kind = fc.constantFrom('shared', 'shared', 'alone')
const of = <const D extends Step['do']>(...does: D[]) => fc.constantFrom(...does)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: of('checkout', 'share'),
      timeoutMs: fc.constantFrom(5_000, 900, 30, 1),
      kind,
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: of('tryCheckout', 'tryShare'), kind }) },
  { weight: 9, arbitrary: fc.record({ do: of('unshare'), at }) },
  { weight: 3, arbitrary: fc.record({ do: of('abort', 'speak', 'replace'), at }) },
  { weight: 1, arbitrary: fc.record({ do: of('invalidate') }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: of('kill'), what: fc.constantFrom('idle', 'held', 'ping', 'reset'), at }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: of('pass'), ms: fc.constantFrom(1, 5, 21, 60, 400, 1_100, 3_000) }),
  },
  { weight: 5, arbitrary: fc.record({ do: of('connects', 'pings'), manner, deaf: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: of('closes'), slow: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: of('allow'), count: fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY) }),
  },
  { weight: 5, arbitrary: fc.record({ do: of('answer'), at, manner }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: of('checkin'),
      at,
      reset: fc.constantFrom('none', 'none', 'rollback', 'discard'),
      manner,
      twice: fc.boolean(),
      busy: fc.constantFrom(false, false, false, false, false, true),
    }),
  },
)
const closing: fc.Arbitrary<Step> = fc.record({ do: of('close'), timeoutMs: fc.constantFrom(0, 50, 2_000) })

/** A sequence of steps; about one in five closes the pool on the way. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 300, arbitrary: step }, { weight: 1, arbitrary: closing }),
  { maxLength: 140, size: 'max' },
)

/** Small pools with short times: what is rare with the defaults happens often with these. */
export const poolOptions: fc.Arbitrary<Partial<PoolOptions>> = fc.record({
  poolSize: fc.integer({ min: 1, max: 3 }),
  maxOverflow: fc.constantFrom(0, 1, 2, -1),
  maxWaiting: fc.constantFrom(0, 3, 8),
  sharedDepth: fc.integer({ min: 1, max: 3 }),
  slowStatementMs: fc.constantFrom(20, 1_000),
  prePing: fc.constantFrom(true, true, false),
  prePingIdleMs: fc.constantFrom(0, 50, 500),
  prePingTimeoutMs: fc.constant(200),
  recycleMs: fc.constantFrom(300, 5_000, Number.POSITIVE_INFINITY),
  idleTimeoutMs: fc.constantFrom(100, 2_000, Number.POSITIVE_INFINITY),
})
