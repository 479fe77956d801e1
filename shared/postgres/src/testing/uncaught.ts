/** Uncaught errors seen since {@link watchUncaughtErrors} was called. */
export interface UncaughtErrors {
  /** Every uncaughtException and unhandledRejection so far, oldest first. */
  readonly seen: readonly unknown[]
  /** Throws if there were any; its cause is the first. */
  assertNone(): void
  /** Stops listening. */
  stop(): void
}

/**
 * Listens for uncaught exceptions and unhandled rejections of this process.
 *
 * `bun test` fails a test during which one happens; this listener also counts those that nobody's test was running for.
 */
export function watchUncaughtErrors(): UncaughtErrors {
  const seen: unknown[] = []
  const record = (error: unknown): void => {
    seen.push(error)
    console.error('uncaught error during the test run:', error)
  }
  process.on('uncaughtException', record)
  process.on('unhandledRejection', record)
  return {
    seen,
    assertNone() {
      if (seen.length > 0) {
        throw new Error(`${seen.length} uncaught error(s) or unhandled rejection(s) during the run`, {
          cause: seen[0],
        })
      }
    },
    stop() {
      process.off('uncaughtException', record)
      process.off('unhandledRejection', record)
    },
  }
}
