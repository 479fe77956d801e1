import { beforeAll, describe, expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { migrated, startService } from '@shared/service/testing'
import { type Exported, readExported } from './exported-metrics.ts'
import { dashboardQueries, readDashboard, readRules, repositoryRoot } from './monitoring-files.ts'
import { readQuery } from './promql.ts'

/** What Prometheus itself adds: series of its own, and labels of every target. */
const ofPrometheus: Exported = new Map([
  ['up', new Set<string>()],
  ['ALERTS', new Set(['alertname', 'alertstate', 'severity'])],
])
const ofTargets = ['job', 'instance', 'service']

const rules = readRules()
const recorded = new Set(rules.flatMap(({ record }) => record ?? []))
let exported: Exported

beforeAll(async () => {
  await using postgres = await withDatabase({
    service: 'auth',
    template: migrated(`${repositoryRoot}/drizzle/auth/migrations`),
  })
  await using service = startService({
    entry: `${repositoryRoot}/services/auth/src/index.ts`,
    env: {
      DATABASE_URL: postgres.appUrl,
      // The same server by another name: only with several hosts there is something to say of them.
      DATABASE_REPLICA_URL: postgres.appUrl.replace('127.0.0.1', 'localhost'),
      DATABASE_NAME_CHECK: 'false',
      HEALTH_DETAILS: 'always',
    },
  })
  const url = await service.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).status === 200)
  await fetch(`${url}/nowhere`)
  // Statements are there once one has run.
  await fetch(`${url}/users/${crypto.randomUUID()}`)
  exported = readExported(await (await fetch(`${url}/metrics`)).text())
}, 120_000)

/** What an expression asks for and nobody has. */
function unknownIn(where: string, expr: string): string[] {
  const { selectors, grouping } = readQuery(expr)
  const everyLabel = new Set(
    [...exported.values(), ...ofPrometheus.values()].flatMap((labels) => [...labels]),
  )
  return [
    ...selectors.flatMap(({ metric, labels }) => {
      // What is recorded has the labels that its rule leaves.
      const known = recorded.has(metric) ? everyLabel : (exported.get(metric) ?? ofPrometheus.get(metric))
      if (known === undefined) return [`${where}: nobody exports ${metric}`]
      return labels
        .filter((label) => !known.has(label) && !ofTargets.includes(label))
        .map((label) => `${where}: ${metric} has no label ${label}`)
    }),
    ...grouping
      .filter((label) => !everyLabel.has(label) && !ofTargets.includes(label))
      .map((label) => `${where}: there is no label ${label}`),
  ]
}

describe('what a service exports at /metrics', () => {
  test('is all that the rules ask for', () => {
    expect(rules.flatMap(({ record, alert, expr }) => unknownIn(record ?? alert ?? '', expr))).toEqual([])
  })

  test('is all that the dashboard asks for', () => {
    expect(dashboardQueries(readDashboard()).flatMap(({ where, expr }) => unknownIn(where, expr))).toEqual([])
  })

  test('has every label that annotations and legends name', () => {
    const known = new Set([
      ...ofTargets,
      ...[...exported.values(), ...ofPrometheus.values()].flatMap((labels) => [...labels]),
    ])
    const inAlerts = rules.flatMap(({ annotations = {} }) =>
      [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, label = '']) => label),
    )
    const inLegends = readDashboard().panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ legendFormat }) =>
        [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
      ),
    )
    expect([...inAlerts, ...inLegends].filter((label) => !known.has(label))).toEqual([])
  })

  test.each([
    [
      'a metric that is misspelt',
      'db_client_connection_counts > 0',
      'nobody exports db_client_connection_counts',
    ],
    ['a label that it does not have', 'db_up{state="used"} == 0', 'db_up has no label state'],
    ['a grouping by a label of nobody', 'sum by (pod) (db_up)', 'there is no label pod'],
  ])('is distinguished from %s', (_what, expr, finding) => {
    expect(unknownIn('rule', expr)).toEqual([`rule: ${finding}`])
  })
})
