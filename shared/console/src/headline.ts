import { describeLock } from './lock-tree.ts'
import { asking, type ServiceStatus, type ServiceView } from './wire.ts'

/** What is wrong, in one sentence. */
export interface Headline {
  /** How the worst service is. */
  readonly status: ServiceStatus
  /** `product is unhealthy: PostgreSQL does not answer (ECONNREFUSED), and 2 more are not healthy: auth, cart` */
  readonly text: string
  /** The same for the tab of a browser: `product is unhealthy, 2 more`. */
  readonly title: string
}

const worstFirst: readonly ServiceStatus[] = ['unhealthy', 'unreachable', 'degraded', 'unknown', 'healthy']
const mostNames = 3

/** Names the service that is the worst and why, and the others that are not healthy. */
export function headline(all: readonly ServiceView[]): Headline {
  const views = all.filter(({ reason }) => reason !== asking)
  if (views.length === 0) return { status: 'unknown', text: asking, title: 'Connections' }
  const sick = worstFirst
    .flatMap((status) => views.filter((view) => view.status === status))
    .filter(({ status }) => status !== 'healthy')
  const [worst, ...others] = sick
  if (worst === undefined) {
    const text =
      views.length === 1 ? `${views[0]?.name} is healthy` : `All ${views.length} services are healthy`
    return { status: 'healthy', text, title: 'Connections' }
  }
  const { name, status } = worst
  const said = status === 'unknown' ? `${name}: ${causeOf(worst)}` : `${name} is ${status}: ${causeOf(worst)}`
  if (others.length === 0) return { status, text: said, title: `${name} is ${status}` }
  const more = `${others.length} more ${others.length === 1 ? 'is' : 'are'} not healthy`
  const names = others.length > mostNames ? '' : `: ${others.map((other) => other.name).join(', ')}`
  return {
    status,
    text: `${said}, and ${more}${names}`,
    title: `${name} is ${status}, ${others.length} more`,
  }
}

/** Why a service is not healthy, in a few words; its card says more. */
function causeOf({ report, reason }: ServiceView): string {
  if (report === null) return firstClause(reason)
  const { database, cluster, status, ready, blockages, pool } = report
  if (database.status === 'disconnected') {
    if (cluster?.hosts.some(({ role }) => role === 'standby'))
      return 'none of its PostgreSQL hosts is the primary'
    if (cluster) return `none of its ${cluster.hosts.length} PostgreSQL hosts answers`
    return `PostgreSQL does not answer${database.code === null ? '' : ` (${database.code})`}`
  }
  if (status !== 'degraded' || !ready) return firstClause(reason)
  const [blockage] = blockages
  if (blockage !== undefined) {
    const { lock, waiting } = blockage
    return `${waiting.length} ${waiting.length === 1 ? 'statement waits' : 'statements wait'} for ${describeLock(lock)}`
  }
  const callers =
    pool.waiting === 0 ? '' : ` and ${pool.waiting} ${pool.waiting === 1 ? 'caller waits' : 'callers wait'}`
  const isFull = pool.maxOverflow < 0 || pool.checkedOut >= pool.poolSize + pool.maxOverflow
  return isFull || callers === ''
    ? `all ${pool.checkedOut} connections are in use${callers}`
    : `no more connections can be opened${callers}`
}

/** `It does not run: nothing answers at its address.` → `it does not run` */
function firstClause(sentence: string): string {
  const [clause = ''] = sentence.split(/[:;.](?:\s|$)/)
  return clause.charAt(0).toLowerCase() + clause.slice(1)
}
