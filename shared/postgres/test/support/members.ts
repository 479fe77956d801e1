import type { ClusterServer } from '../../src/testing/index.ts'
import { ask } from './rows.ts'

/** The server at this place of a list, which has one there. */
export const at = (servers: readonly ClusterServer[], index: number): ClusterServer => {
  const server = servers[index]
  if (server === undefined) throw new Error(`there is no server ${index}`)
  return server
}

/** Whether a server is in recovery. */
export const isStandby = async ({ adminUrl }: ClusterServer): Promise<unknown> =>
  (await ask(adminUrl, 'select pg_is_in_recovery() as standby'))?.standby

/** The port of the server that a standby gets its WAL from; undefined while it gets none. */
export const receives = async ({ adminUrl }: ClusterServer): Promise<unknown> =>
  (await ask(adminUrl, `select sender_port as port from pg_stat_wal_receiver where status = 'streaming'`))
    ?.port
