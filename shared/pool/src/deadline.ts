/**
 * Who set a deadline: the call itself by its `timeoutMs`, a `within()` around it, the request that a service answers, or the
 * pool by `checkoutTimeoutMs`.
 */
export type DeadlineOwner = 'call' | 'within' | 'request' | 'pool'

/** What a caller was at when its deadline passed; 'caller' is its own code, before or between statements. */
export type SpentOn = 'queue' | 'connect' | 'statement' | 'commit' | 'caller'

/** How long somebody allows for something. */
export interface TimeLimit {
  readonly owner: DeadlineOwner
  readonly timeoutMs: number
}

/** A limit that passed, and what the time ran out on. */
export interface Deadline extends TimeLimit {
  readonly spentOn: SpentOn
}

const owners: Record<DeadlineOwner, (time: string) => string> = {
  call: (time) => `the ${time} of the call`,
  within: (time) => `the ${time} of within()`,
  request: (time) => `the ${time} of the request`,
  pool: (time) => `the ${time} of checkoutTimeoutMs`,
}

/** A limit in words: `the 200 ms of within()`. */
export function describeLimit({ owner, timeoutMs }: TimeLimit): string {
  return owners[owner](`${Math.round(timeoutMs)} ms`)
}
