import { setTimeout as sleep } from 'node:timers/promises'
import { openSession } from '../admin-connection.ts'
import { LocalPostgresError } from '../errors.ts'
import { logTail } from '../server/server-log.ts'
import { type Member, placeOf } from './member.ts'

const pollMs = 10

// Words of the server's log, which is in English: it runs in the C locale.
const cannotFollow =
  /has already been removed|forked off|not in this server's history|is behind recovery timeline|identifier differs/

/**
 * Waits until the standby gets the WAL of the primary's own timeline. One that has a delay, or whose replay is paused,
 * asks for another timeline only after it has replayed what it has.
 *
 * Throws `NOT_STREAMING` at the deadline, or as soon as the standby's log says, from the given byte on, that it has lost
 * the way: WAL that is gone, or a history of its own.
 */
export async function awaitStreaming(
  primary: Member,
  standby: Member,
  options: { timeoutMs: number; logStartsAt: number },
): Promise<void> {
  const place = placeOf(standby)
  const { timeline } = await writePosition(primary)
  await using session = await openSession(standby.adminUrl, { applicationName: 'local-postgres standbys' })
  const deadline = performance.now() + options.timeoutMs
  // While the receiver asks for an older timeline, up to where that ends, a server that is ahead of the primary streams too.
  const streams = () => session.sql`
    select from pg_stat_wal_receiver
    where status = 'streaming' and received_tli = ${timeline} and sender_port = ${primary.port}`
  while ((await streams()).length === 0) {
    const tail = logTail(place, options.logStartsAt)
    const lost = tail.some((line) => cannotFollow.test(line))
    if (lost || performance.now() > deadline) {
      throw new LocalPostgresError(
        'NOT_STREAMING',
        `The standby on port ${standby.port} ${lost ? 'cannot follow' : 'does not follow'} the primary on port ` +
          `${primary.port}${lost ? '' : ` within ${options.timeoutMs} ms`}. Copy it again.`,
        { logTail: tail },
      )
    }
    await sleep(pollMs)
  }
}

/** Waits until the standby has replayed all that the primary has done by now. Throws `NOT_STREAMING` at the deadline. */
export async function awaitReplay(primary: Member, standby: Member, timeoutMs = 30_000): Promise<void> {
  const { timeline, position } = await writePosition(primary)
  await awaitPosition(standby, position, { timeline, timeoutMs })
}

/**
 * Waits until a standby has replayed the WAL up to a position. Throws `NOT_STREAMING` at the deadline.
 *
 * @param options.timeline Of the position, to be given while the primary runs: the same position on another timeline, of a
 *   standby that went its own way, would say nothing.
 */
export async function awaitPosition(
  standby: Member,
  position: string,
  options: { timeline?: number; timeoutMs: number },
): Promise<void> {
  const { timeline = null, timeoutMs } = options
  await using session = await openSession(standby.adminUrl, { applicationName: 'local-postgres standbys' })
  const replayed = async (): Promise<boolean> => {
    const [row] = await session.sql<{ done: boolean }[]>`
      select coalesce(pg_last_wal_replay_lsn() >= ${position}::text::pg_lsn and (${timeline}::int is null
        or ${timeline}::int = (select received_tli from pg_stat_wal_receiver)), false) as done`
    return row?.done === true
  }
  const deadline = performance.now() + timeoutMs
  while (!(await replayed())) {
    if (performance.now() > deadline) {
      throw new LocalPostgresError(
        'NOT_STREAMING',
        `The standby on port ${standby.port} has not replayed the WAL up to ${position} within ${timeoutMs} ms. ` +
          'Look whether it streams, is paused or has a delay.',
        { logTail: logTail(placeOf(standby)) },
      )
    }
    await sleep(pollMs)
  }
}

/** A position after all that a primary has done so far, flushed, and the timeline that it is on. */
async function writePosition(primary: Member): Promise<{ timeline: number; position: string }> {
  await using session = await openSession(primary.adminUrl, { applicationName: 'local-postgres standbys' })
  // The end of a record of its own: what was committed before is in front of it, also if nobody waited for its flush.
  const [row] = await session.sql<{ timeline: number; position: string }[]>`
    select position::text, ('x' || left(pg_walfile_name(position), 8))::bit(32)::int as timeline
    from pg_logical_emit_message(false, 'local-postgres', '', true) as position`
  if (row === undefined) throw new Error('a select from a function returned no row')
  return row
}
