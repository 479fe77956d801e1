import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The repository's root. */
export const repositoryRoot = resolve(import.meta.dir, '../../..')

const folder = resolve(import.meta.dir, '..')

/** A recording or an alert rule. */
export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A panel of the dashboard, or a row of them. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }[]
}

/** The dashboard, as far as the tests look at it. */
export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: {
    readonly list: readonly {
      readonly name: string
      readonly expr: string
      readonly datasource: { readonly uid: string }
    }[]
  }
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] }
}

/** The text of a file of this package. */
export const readText = (path: string): string => readFileSync(join(folder, path), 'utf8')

/** A YAML file of this package. */
export const readYaml = <T>(path: string): T => Bun.YAML.parse(readText(path)) as T

/** Every rule of every file that Prometheus loads. */
export function readRules(): Rule[] {
  return namesIn('prometheus/rules').flatMap((path) =>
    readYaml<{ groups: { rules: Rule[] }[] }>(path).groups.flatMap(({ rules }) => rules),
  )
}

/** The dashboard that Grafana is provisioned with. */
export const readDashboard = (): Dashboard => JSON.parse(readText('grafana/dashboards/services.json'))

/** The files in a folder of this package, by paths from it, sorted. */
export const namesIn = (path: string): string[] =>
  readdirSync(join(folder, path))
    .sort()
    .map((name) => `${path}/${name}`)

/** Expressions of the dashboard, with Grafana's variables replaced by what they may stand for. */
export function dashboardQueries(dashboard: Dashboard): { where: string; expr: string }[] {
  const queries = [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `panel ${title}`, expr })),
    ),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `annotation ${name}`, expr })),
  ]
  return queries.map(({ where, expr }) => ({
    where,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'),
  }))
}
