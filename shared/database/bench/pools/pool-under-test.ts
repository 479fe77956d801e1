/** A pool of things that cost nothing, so that only the pool is measured. */
export interface PoolUnderTest {
  /** Takes one; resolves to what gives it back. */
  take(): Promise<() => unknown>
  /** Takes one and gives it back, in the fewest steps that this pool lets a caller do it; awaited. */
  cycle(): unknown
  close(): Promise<unknown>
}

export interface PoolSettings {
  readonly size: number
  readonly timeoutMs: number
  /** The longest line. */
  readonly waiting: number
}
