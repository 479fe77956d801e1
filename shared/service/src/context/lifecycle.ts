/** `starting` until the database answered once, `ready`, then `draining` from the first signal to the end. */
export type LifecycleState = 'starting' | 'ready' | 'draining'

/** Where a service is in its life; it only moves forward. */
export interface Lifecycle {
  readonly state: LifecycleState
  /** The database has answered: readiness turns 200. Does nothing unless starting. */
  ready(): void
  /** Readiness turns 503 at once, so that no more traffic is sent here. */
  drain(): void
  /** Pending while answers are held back, else null. */
  readonly held: Promise<void> | null
  /** Holds back the answers of requests that are done, until the function it returns is called. */
  hold(): () => void
}

/** Creates a lifecycle. Default state: `starting`. */
export function createLifecycle(initial: LifecycleState = 'starting'): Lifecycle {
  let state = initial
  let held: Promise<void> | null = null
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
    get held() {
      return held
    },
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        held = null
        release()
      }
    },
  }
}
