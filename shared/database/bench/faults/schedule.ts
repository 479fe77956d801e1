/** The schedule that each column of the table runs through. Times in ms. */
export const schedule = {
  callers: 20,
  poolSize: 10,
  /** A caller starts its next query so long after the one before, or when that has settled. */
  everyMs: 5,
  warmMs: 1_000,
  downMs: 300,
  refusedMs: 1_000,
  /** A call that has not settled by then has hung: its caller gives it up and goes on. */
  hungMs: 5_000,
  /** A statement of that length is run beside the callers of the half-open scenario, once the first of them is served again. */
  longMs: 8_000,
  /** How long a run goes on after every caller is served again. */
  afterMs: 1_000,
  /** A run in which some caller is never served again ends so long after the fault. */
  boundMs: 9_000,
} as const
