import { openSession, type Session } from '../admin-connection.ts'
import type { Place } from './place.ts'
import { findRunning } from './running-server.ts'

// Advisory locks belong to one database: everybody takes this one in "postgres".
const lockClass = 0x6c70
const lockId = 1
const retryMs = 50

/** One user's hold on a shared server: a session-level shared advisory lock on a connection of its own. */
export interface Attachment {
  /** Takes the lock again after a restart or a {@link pause}. */
  resume(): Promise<void>
  /** Gives the lock back and stops taking it again. */
  pause(): Promise<void>
  /** Whether nobody else holds the server. While that is asked, the caller holds the start lock. */
  isAlone(): Promise<boolean>
}

/** Attaches to the running server; after a lost connection it attaches again by itself, until {@link Attachment.pause}. */
export function createAttachment(place: Place, onNotice: (line: string) => void): Attachment {
  let session: Session | null = null
  let paused = true
  let attaching: Promise<void> | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const attachOnce = async (): Promise<void> => {
    const server = await findRunning(place, 10_000)
    if (server === null) throw new Error('the server does not run')
    const opened: Session = await openSession(server.adminUrl, {
      applicationName: 'local-postgres user',
      onClose: () => {
        if (session !== opened) return
        session = null
        retryLater()
      },
    })
    try {
      await opened.sql`select pg_advisory_lock_shared(${lockClass}, ${lockId})`
    } catch (error) {
      await opened.close()
      throw error
    }
    if (paused) return opened.close()
    session = opened
  }
  const attach = (): Promise<void> => {
    attaching ??= attachOnce().finally(() => {
      attaching = null
    })
    return attaching
  }
  const retryLater = (): void => {
    if (paused) return
    timer = setTimeout(() => {
      attach().catch(retryLater)
    }, retryMs)
    // A stopped server is no reason to keep the process alive; a held one is, by its socket.
    timer.unref()
  }

  return {
    async resume() {
      paused = false
      clearTimeout(timer)
      if (session === null) await attach()
    },
    async pause() {
      paused = true
      clearTimeout(timer)
      const held = session
      session = null
      await held?.close()
      await attaching?.catch(() => {})
    },
    async isAlone() {
      // Locks of one session never conflict with each other, so its own shared lock can stay.
      const asking = session ?? (await openSession((await findRunning(place, 10_000))?.adminUrl ?? ''))
      try {
        const [row] = await asking.sql<
          { alone: boolean }[]
        >`select pg_try_advisory_lock(${lockClass}, ${lockId}) as alone`
        return row?.alone === true
      } catch (error) {
        onNotice(
          `could not ask who else uses the server: ${error instanceof Error ? error.message : 'unknown error'}`,
        )
        return false
      } finally {
        if (asking !== session) await asking.close()
      }
    },
  }
}

/** How many users hold the server now. */
export async function countUsers(adminUrl: string): Promise<number> {
  await using session = await openSession(adminUrl)
  const [row] = await session.sql<{ users: number }[]>`
    select count(distinct pid)::int as users from pg_locks
    where locktype = 'advisory' and classid = ${lockClass} and objid = ${lockId} and granted`
  return row?.users ?? 0
}
