import { type PgBouncer, pgBouncerPrograms, startPgBouncer } from '@shared/postgres/testing'

// A server that refused is asked again soon: the default is 15 s, longer than a world.
const settings = { server_login_retry: '1', max_client_conn: '500' }

/**
 * Starts the PgBouncers that there are, in transaction mode, before the server of the URL; none, with a note, where there
 * is none.
 */
export async function startPoolers(url: string, onNote: (note: string) => void): Promise<PgBouncer[]> {
  const programs = pgBouncerPrograms()
  if (programs.length === 0)
    onNote('No world went through PgBouncer: it is not installed, and PGBOUNCER names none.')
  return await Promise.all(programs.map((program) => startPgBouncer({ program, urls: [url], settings })))
}
