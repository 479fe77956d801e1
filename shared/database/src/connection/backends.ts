import type { SqlConnection } from './sql-connection.ts'

/** How the server sees a backend. */
export interface BackendState {
  pid: number
  /** As text: only compared. */
  startedAt: string
  state: string | null
  waitEventType: string | null
  /** How long ago in ms it last began or ended something. */
  quietMs: number
}

const stateText = (pids: readonly number[]) =>
  'select pid, backend_start::text as "startedAt", state, wait_event_type as "waitEventType", ' +
  '(extract(epoch from clock_timestamp() - state_change) * 1000)::float8 as "quietMs" ' +
  `from pg_stat_activity where pid in (${pids.join(', ')})`

/** How the server sees some of this role's backends; those that are gone are missing. */
export async function readBackendStates(
  connection: SqlConnection,
  pids: readonly number[],
): Promise<BackendState[]> {
  return (await connection.run(stateText(pids), [], false)) as BackendState[]
}

/** Ends backends of this role that nobody can reach any more, and with them their transactions and locks. */
export async function terminateBackends(
  connection: SqlConnection,
  backends: readonly { pid: number; backendStartedAt: string | null }[],
): Promise<void> {
  const isOurs = backends
    .map((_, i) => `(pid = $${2 * i + 1} and backend_start::text = $${2 * i + 2})`)
    .join(' or ')
  const parameters = backends.flatMap(({ pid, backendStartedAt }) => [pid, backendStartedAt ?? ''])
  await connection.run(
    `select pg_terminate_backend(pid) from pg_stat_activity where ${isOurs}`,
    parameters,
    false,
  )
}
