import { expect, test } from 'bun:test'
import { type Panel, readDashboard, readYaml } from './monitoring-files.ts'

const dashboard = readDashboard()
const panels = dashboard.panels.filter(({ type }) => type !== 'row')

test('the dashboard asks the data source that Grafana is provisioned with', () => {
  const { datasources } = readYaml<{ datasources: { uid: string }[] }>(
    'grafana/provisioning/datasources/prometheus.yml',
  )
  const asked = [
    ...panels.flatMap(({ datasource, targets = [] }) => [
      datasource,
      ...targets.map((target) => target.datasource),
    ]),
    ...dashboard.annotations.list.map(({ datasource }) => datasource),
  ]
  expect(new Set(asked.map((datasource) => datasource?.uid))).toEqual(
    new Set(datasources.map(({ uid }) => uid)),
  )
})

test('the dashboard has a row for each part, and marks starts, outages, failovers and alerts', () => {
  expect({
    rows: dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    annotations: dashboard.annotations.list.map(({ name }) => name),
  }).toEqual({
    rows: ['Overview', 'Pools', 'Waits', 'HTTP', 'Database', 'Cluster', 'Process'],
    annotations: ['Starts', 'Database down', 'Failovers', 'Alerts'],
  })
})

test('every panel explains itself, and lies in the grid beside the others', () => {
  const cells = new Map<string, string>()
  const overlaps: string[] = []
  const occupy = ({ title, gridPos: { x, y, w, h } }: Panel): void => {
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        const taken = cells.get(`${column} ${line}`)
        if (taken !== undefined) overlaps.push(`${title} on ${taken}`)
        cells.set(`${column} ${line}`, title)
      }
  }
  for (const panel of dashboard.panels) occupy(panel)
  expect({
    unexplained: panels.filter(({ description = '' }) => description === '').map(({ title }) => title),
    silent: panels.filter(({ targets = [] }) => targets.length === 0).map(({ title }) => title),
    beyond: panels.filter(({ gridPos: { x, w } }) => x + w > 24).map(({ title }) => title),
    overlaps: [...new Set(overlaps)],
    ids: new Set(dashboard.panels.map(({ id }) => id)).size,
  }).toEqual({ unexplained: [], silent: [], beyond: [], overlaps: [], ids: dashboard.panels.length })
})
