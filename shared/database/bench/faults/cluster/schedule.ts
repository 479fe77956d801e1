/** What each line of the tables runs through. Times in ms. */
export const schedule = {
  callers: 20,
  poolSize: 10,
  /** A caller writes, and then reads what it has written, so long after the time before, or when that has settled. */
  everyMs: 20,
  warmMs: 1_000,
  /** How long the cluster is without a primary before a standby is promoted, as nobody is faster. */
  promoteAfterMs: 300,
  /** How long a name leads to the old primary after the promotion of the new one: the time to live of its address. */
  nameMs: 3_000,
  lagMs: 5_000,
  /** How long a fault that ends by itself lasts. */
  faultMs: 3_000,
  /** A call that has not settled by then has hung: its caller gives it up and goes on. */
  hungMs: 30_000,
  /** How long a run goes on after every caller is served again. */
  afterMs: 1_000,
} as const
