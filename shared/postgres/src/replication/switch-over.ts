import { openSession } from '../admin-connection.ts'
import { LocalPostgresError } from '../errors.ts'
import { readLeftState } from '../server/control-file.ts'
import type { LocalPostgres } from '../server/handle.ts'
import { type Member, placeOf } from './member.ts'
import { awaitPosition, awaitReplay } from './progress.ts'
import { writeStandbySettings } from './standby-data.ts'
import { followPrimary } from './start-standby.ts'

/**
 * Makes a standby a primary, on a new timeline; resolves when it takes writes. Fine if it is one already.
 *
 * It does not stop the old primary: two would take writes. Throws `PROMOTE_FAILED` after `timeoutMs` (default 60 000).
 */
export async function promoteStandby(
  standby: Pick<Member, 'adminUrl' | 'port'>,
  options: { timeoutMs?: number } = {},
): Promise<void> {
  const { timeoutMs = 60_000 } = options
  await using session = await openSession(standby.adminUrl, { applicationName: 'local-postgres promote' })
  const [row] = await session.sql<{ done: boolean }[]>`
    select case when pg_is_in_recovery() then pg_promote(true, ${Math.ceil(timeoutMs / 1_000)}) else true end as done`
  if (row?.done === true) return
  throw new LocalPostgresError(
    'PROMOTE_FAILED',
    `The standby on port ${standby.port} has not become a primary within ${timeoutMs} ms. Look at its log.`,
  )
}

/**
 * Exchanges a primary and its standby without losing anything that was committed: the primary is stopped in order, the
 * standby has all of its WAL when it is promoted, and the old primary comes back as its standby.
 *
 * Throws `NOT_STREAMING` where the standby does not get and replay everything, before anything is done, and
 * `SWITCHOVER_FAILED` where it stopped to do so; then the old primary has been restarted as the primary.
 *
 * @param options.followers Running standbys that follow the new primary then.
 * @param options.timeoutMs How long the standby may need to catch up. Default 30 000.
 */
export async function switchOver(
  from: LocalPostgres,
  to: LocalPostgres,
  options: { followers?: readonly LocalPostgres[]; timeoutMs?: number } = {},
): Promise<void> {
  const { followers = [], timeoutMs = 30_000 } = options
  await replayWithoutDelay(to)
  await awaitReplay(from, to, timeoutMs)
  let failure: unknown = null
  // In this mode the server sends its standbys everything, its last checkpoint too, before it ends.
  await from.restart({
    mode: 'fast',
    async whileStopped() {
      try {
        const { cleanly, checkpoint } = readLeftState(from.dataDirectory)
        if (!cleanly) throw new Error('the primary did not stop in order')
        await awaitPosition(to, checkpoint, { timeoutMs })
      } catch (error) {
        failure = error
        return
      }
      // Before the promotion: from here on the old one cannot come back as a second primary.
      writeStandbySettings(placeOf(from), to)
      await promoteStandby(to)
    },
  })
  if (failure !== null) {
    throw new LocalPostgresError(
      'SWITCHOVER_FAILED',
      `The server on port ${to.port} could not take over, and the one on port ${from.port} is the primary again: ` +
        `${failure instanceof Error ? failure.message : 'unknown error'}`,
      { cause: failure },
    )
  }
  for (const follower of [from, ...followers]) await followPrimary(follower, to)
}

/** Ends a delay or a pause of the replay: promotion would end it too, but what it waits for would take its time then. */
async function replayWithoutDelay(standby: Member): Promise<void> {
  await using session = await openSession(standby.adminUrl, { applicationName: 'local-postgres promote' })
  await session.sql`alter system reset recovery_min_apply_delay`
  await session.sql`select pg_reload_conf(), pg_wal_replay_resume()`
}
