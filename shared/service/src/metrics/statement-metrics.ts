import type { Registry } from 'prom-client'
import type { MonitoredContext } from '../context/context.ts'
import type { StatementCount } from '../context/statement-counts.ts'
import { registerSnapshot } from './snapshot-metric.ts'

const counters: readonly (readonly [name: string, help: string, read: (count: StatementCount) => number])[] =
  [
    ['calls', 'Statements that are over, by their kind.', ({ calls }) => calls],
    ['errors', 'Statements that failed, by their kind.', ({ errors }) => errors],
    [
      'wait_seconds',
      'Time that statements waited for a connection, by their kind.',
      ({ waitMs }) => waitMs / 1_000,
    ],
    ['run_seconds', 'Time from there to their answer, by their kind.', ({ runMs }) => runMs / 1_000],
  ]

/** Adds what requests and statements are under way and were counted; of statements nothing where nobody counts them. */
export function registerStatementMetrics(
  registry: Registry,
  service: string,
  { requests, statements }: Pick<MonitoredContext, 'requests' | 'statements'>,
): void {
  registerSnapshot(registry, {
    name: 'http_requests_in_flight',
    help: 'Requests that are not answered yet.',
    type: 'gauge',
    values: () => [{ value: requests.inFlight }],
  })
  if (!statements) return
  for (const [name, help, read] of counters)
    registerSnapshot(registry, {
      name: `db_client_statement_${name}_total`,
      help,
      type: 'counter',
      values: () =>
        statements.list().map((count) => ({
          value: read(count),
          labels: {
            db_client_connection_pool_name: service,
            db_query_summary: count.summary,
            fingerprint: count.fingerprint,
          },
        })),
    })
}
