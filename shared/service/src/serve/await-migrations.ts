import { setTimeout as sleep } from 'node:timers/promises'
import type { MigrationCheck } from '@shared/monitor'
import type { Logger } from '../log/logger.ts'

/** What `awaitMigrations` needs. */
export interface AwaitMigrationsOptions {
  service: string
  migrations: MigrationCheck
  /** Ends the waiting without an error. */
  signal: AbortSignal
  logger: Pick<Logger, 'info' | 'warn'>
  /** Pause between two questions in ms. Default 1 000. */
  pollMs?: number
}

/** Waits until no migration is pending, and says once which are; where that is not known it says so and waits for nothing. */
export async function awaitMigrations(options: AwaitMigrationsOptions): Promise<void> {
  const { service, migrations, signal, logger, pollMs = 1_000 } = options
  const { state, pending, total, code } = await migrations.check()
  if (state === 'unknown') {
    const advice = 'bun run db:provision lets the role read the journal of migrations'
    logger.info({ code }, `it is not known whether migrations are pending: ${advice}`)
  }
  if (state !== 'behind') return
  logger.warn(
    { pending },
    `not ready: ${pending.length} of ${total} migrations are pending; apply them with bun run db:migrate ${service}`,
  )
  while (!signal.aborted && migrations.seen().state === 'behind') {
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
    if (!signal.aborted) await migrations.check()
  }
  if (!signal.aborted) logger.info('no migration is pending any more')
}
