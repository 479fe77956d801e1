import { formatDuration } from '../explain/duration.ts'
import { type Blockage, type Blocker, longestBlockedMs } from '../server/blockages.ts'

/** Who holds a lock: `pid 4711 (application "orders", role orders_app, idle in transaction for 12 s)`. */
export function describeBlocker({ pid, role, application, state, ageMs, transactionMs }: Blocker): string {
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)'
  const doing = state === null ? [] : [`${state} for ${formatDuration(ageMs)}`]
  const parts = [
    ...(application === null ? [] : [`application "${application}"`]),
    ...(role === null ? [] : [`role ${role}`]),
    ...doing,
    ...(transactionMs === null ? [] : [`transaction open for ${formatDuration(transactionMs)}`]),
  ]
  return `pid ${pid}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

/** What it holds: `a row lock on products`. */
export function describeLock({ lock }: Pick<Blockage, 'lock'>): string {
  if (lock === null) return 'a lock'
  const where = lock.relation === null ? '' : ` on ${lock.relation}`
  return `${/^[aeiou]/.test(lock.kind) ? 'an' : 'a'} ${lock.kind} lock${where}`
}

/** The statement of a blocker, as far as this role may see it. */
export function describeStatement({ pid, statement, state, role }: Blocker): string {
  if (pid === 0) return ''
  if (statement === null)
    return `its statement is hidden from this role: ask pg_stat_activity as ${role ?? 'its role'} or an administrator`
  return `its ${state === 'active' ? 'statement' : 'last statement'}: ${statement}`
}

/** The statements that wait, each text once with how many there are of it: `30 × update products set stock = $1`. */
export function describeVictims({ waiting }: Pick<Blockage, 'waiting'>): string {
  const counts = new Map<string, number>()
  for (const { statement } of waiting)
    counts.set(statement ?? '(hidden)', (counts.get(statement ?? '(hidden)') ?? 0) + 1)
  return [...counts].map(([statement, count]) => `${count} × ${statement}`).join('; ')
}

/** All of it, for an event. */
export function describeBlockage(blockage: Blockage): string {
  const { blocker, waiting } = blockage
  const parts = [
    `${describeBlocker(blocker)} holds ${describeLock(blockage)}`,
    `${waiting.length} waiting for up to ${formatDuration(longestBlockedMs(blockage))}: ${describeVictims(blockage)}`,
    describeStatement(blocker),
  ]
  return parts.filter(Boolean).join('; ')
}
