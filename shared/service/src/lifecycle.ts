/** `starting` until the database answered once, `ready`, then `draining` from the first signal to the end. */
export type LifecycleState = 'starting' | 'ready' | 'draining'

/** Where a service is in its life; it only moves forward. */
export interface Lifecycle {
  readonly state: LifecycleState
  /** The database answered: traffic may come. Does nothing unless starting. */
  ready(): void
  /** No more traffic, please: readiness turns 503 at once. */
  drain(): void
}

/** Creates a lifecycle. Default state: `starting`. */
export function createLifecycle(initial: LifecycleState = 'starting'): Lifecycle {
  let state = initial
  return {
    get state() {
      return state
    },
    ready() {
      if (state === 'starting') state = 'ready'
    },
    drain() {
      state = 'draining'
    },
  }
}
