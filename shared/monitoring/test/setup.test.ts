import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { readYaml, repositoryRoot } from './monitoring-files.ts'

interface Scrape {
  job_name: string
  authorization?: { credentials_file: string }
  static_configs: { targets: string[]; labels: { service: string } }[]
  relabel_configs?: { target_label: string; replacement: string }[]
}
interface Container {
  image: string
  profiles: string[]
  command?: string[]
  secrets: string[]
  volumes: string[]
  networks: string[]
  ports: string[]
}

const services = readdirSync(join(repositoryRoot, 'services'))
  .filter((name) => existsSync(join(repositoryRoot, 'services', name, 'package.json')))
  .map((name) => {
    const text = readFileSync(join(repositoryRoot, 'services', name, '.env.development'), 'utf8')
    return { name, port: Number(parseEnv(text).PORT) }
  })
  .sort((left, right) => (left.name < right.name ? -1 : 1))
const compose = Bun.YAML.parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')) as {
  services: Record<string, Container>
}
const { prometheus, grafana } = compose.services
const scrapes = (name: string) => readYaml<{ scrape_configs: Scrape[] }>(`prometheus/${name}`).scrape_configs

describe('Prometheus scrapes every service, and nothing else,', () => {
  test('in docker-compose.yml by name, with its token, as one job', () => {
    const byName = (left: Scrape, right: Scrape) => (left.job_name < right.job_name ? -1 : 1)
    expect(scrapes('prometheus.yml').sort(byName)).toEqual(
      services.map(({ name, port }) => ({
        job_name: name,
        authorization: { credentials_file: `/run/secrets/${name}_health_token` },
        static_configs: [{ targets: [`${name}:${port}`], labels: { service: name } }],
        relabel_configs: [{ target_label: 'job', replacement: 'services' }],
      })),
    )
    expect({ secrets: prometheus?.secrets.toSorted(), networks: prometheus?.networks.toSorted() }).toEqual({
      secrets: services.map(({ name }) => `${name}_health_token`),
      networks: ['monitoring', ...services.map(({ name }) => name)].sort(),
    })
  })

  test('under dev on the ports of this machine', () => {
    const [job, ...more] = scrapes('prometheus.dev.yml')
    expect({ job: job?.job_name, more }).toEqual({ job: 'services', more: [] })
    const targets = job?.static_configs.map(({ targets, labels }) => `${labels.service} ${targets}`)
    expect(targets?.sort()).toEqual(services.map(({ name, port }) => `${name} 127.0.0.1:${port}`))
  })
})

describe('docker-compose.yml', () => {
  test('starts both in the profile monitoring only, pinned to a version, published to this machine only', () => {
    const pinned = (name: string) => expect.stringMatching(new RegExp(`^${name}:v?\\d+\\.\\d+\\.\\d+$`))
    expect({ prometheus, grafana }).toMatchObject({
      prometheus: {
        profiles: ['monitoring'],
        image: pinned('prom/prometheus'),
        ports: ['127.0.0.1:9090:9090'],
      },
      grafana: { profiles: ['monitoring'], image: pinned('grafana/grafana'), ports: ['127.0.0.1:3000:3000'] },
    })
  })

  test('mounts what exists, read-only, where it is looked for', () => {
    const mounts = [...(prometheus?.volumes ?? []), ...(grafana?.volumes ?? [])]
      .filter((volume) => volume.startsWith('./'))
      .map((volume) => volume.split(':'))
    expect(mounts).toEqual([
      ['./shared/monitoring/prometheus', '/etc/prometheus', 'ro'],
      ['./shared/monitoring/grafana/provisioning', '/etc/grafana/provisioning', 'ro'],
      ['./shared/monitoring/grafana/dashboards', '/etc/grafana/dashboards', 'ro'],
    ])
    expect(mounts.filter(([source = '']) => !existsSync(join(repositoryRoot, source)))).toEqual([])
    expect(prometheus?.command).toContain('--config.file=/etc/prometheus/prometheus.yml')
    const { providers } = readYaml<{ providers: { options: { path: string } }[] }>(
      'grafana/provisioning/dashboards/dashboards.yml',
    )
    expect(providers.map(({ options }) => options.path)).toEqual(['/etc/grafana/dashboards'])
  })

  test('lets Grafana reach Prometheus by the address that it is provisioned with', () => {
    const { datasources } = readYaml<{ datasources: { url: string }[] }>(
      'grafana/provisioning/datasources/prometheus.yml',
    )
    expect(datasources.map(({ url }) => url)).toEqual(['http://prometheus:9090'])
    expect(grafana?.networks.filter((network) => prometheus?.networks.includes(network))).toEqual([
      'monitoring',
    ])
  })
})
