import type { DiagLogger } from '@opentelemetry/api'
import type { Logger } from '../log/logger.ts'

const quietMs = 60_000

/**
 * Writes that the SDK reports failures: at once, then at most every minute with the number skipped, so that a collector that is
 * down is a line a minute. Its own words are left out, as they hold what a collector answered and headers that were refused.
 */
export function telemetryLog(logger: Logger, now = () => performance.now()): DiagLogger {
  let writtenAt = Number.NEGATIVE_INFINITY
  let skipped = 0

  function write(text: string): void {
    if (now() - writtenAt < quietMs) {
      skipped += 1
      return
    }
    const code = /"code":"(\w{1,40})"/.exec(text)?.[1] ?? null
    logger.warn(
      { code, skipped },
      'telemetry: the SDK reports a failure; OTEL_LOG_LEVEL=warn shows its words',
    )
    writtenAt = now()
    skipped = 0
  }
  const ignore = () => undefined
  return { error: write, warn: write, info: ignore, debug: ignore, verbose: ignore }
}
