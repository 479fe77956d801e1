/** The requests of a service: how many are under way, and how many have failed since the start. */
export interface RequestCounts {
  readonly inFlight: number
  /** Answered with 5xx: what a load generator counts as failed. */
  readonly failed: number
  begun(): void
  /** @param status Of the answer. */
  answered(status: number): void
}

export function createRequestCounts(): RequestCounts {
  let inFlight = 0
  let failed = 0
  return {
    get inFlight() {
      return inFlight
    },
    get failed() {
      return failed
    },
    begun() {
      inFlight++
    },
    answered(status) {
      inFlight--
      if (status >= 500) failed++
    },
  }
}
