import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkIsolation } from '@shared/postgres'
import { eventually, startTestServer, type TestServer } from '@shared/postgres/testing'
import { startService } from '@shared/service/testing'
import { SQL } from 'bun'
import { rolesOf } from '../../src/databases/provisioning.ts'
import { findServices, type Service } from '../../src/workspace/services.ts'
import { type Outcome, runCli } from '../command-line.ts'
import { type MountFolder, makeMounts, secretsOf } from './environment.ts'
import { build } from './kustomization.ts'
import { manifestOf, podOf } from './manifests.ts'

const named = (await findServices([])).map((service) => [service.service, service] as const)
const { documents } = build()

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  await using sql = new SQL(url, { max: 1 })
  return [...(await sql.unsafe(text))]
}

/** Does to a server what CloudNativePG does to the one of a Cluster; returns the admin URL for the provisioner. */
async function bootstrap(server: TestServer, service: string): Promise<string> {
  const { initdb } = manifestOf(documents, 'Cluster', `${service}-db`).spec.bootstrap ?? {}
  const { adminUrl } = server
  await query(adminUrl, `CREATE ROLE ${initdb?.owner} LOGIN`)
  await query(adminUrl, `CREATE DATABASE ${initdb?.database} OWNER ${initdb?.owner}`)
  const own = new URL(adminUrl)
  own.pathname = `/${initdb?.database}`
  for (const statement of initdb?.postInitApplicationSQL ?? []) await query(own.href, statement)
  await query(adminUrl, `CREATE ROLE provisioner SUPERUSER LOGIN PASSWORD 'provisioner'`)
  return Object.assign(new URL(adminUrl), { username: 'provisioner', password: 'provisioner' }).href
}

/** What a pod's program sees, but for the server's address, whose name is the Cluster's, and whose authority is its own. */
function environmentOf(
  name: string,
  mounts: MountFolder,
  server: TestServer,
  service?: Service,
): Record<string, string> {
  const environment = mounts.environmentOf(podOf(documents, name), documents, service)
  const { DATABASE_SSL_ROOT_CERT: _, NODE_EXTRA_CA_CERTS: _authority, ...others } = environment
  const { host, port } = server
  return { ...others, DATABASE_HOST: host, DATABASE_PORT: String(port), DATABASE_SSL_MODE: 'disable' }
}

describe('services/deploy', () => {
  test.each(named)(
    'brings %s up on a server as CloudNativePG leaves it, isolated, ready, and again after its password has changed',
    async (name, service) => {
      await using server = await startTestServer()
      await using stack = new AsyncDisposableStack()
      const mounts = makeMounts(secretsOf([name]))
      stack.defer(() => mounts.remove())
      const admin = { DATABASE_ADMIN_URL: await bootstrap(server, name) }
      const environment = environmentOf(name, mounts, server, service)
      const provisioner = environmentOf(`provision-${name}`, mounts, server)
      const run = (step: string, given: Record<string, string>): Promise<Outcome> =>
        runCli(podOf(documents, `${step}-${name}`).container.args ?? [], given)
      const provisioned = await run('provision', { ...provisioner, ...admin })
      const migrated = await run('migrate', environmentOf(`migrate-${name}`, mounts, server))
      const again = await run('provision', { ...provisioner, ...admin })
      const roles = rolesOf({ service, environment: provisioner, external: true })
      const { findings } = await checkIsolation({ adminUrl: server.adminUrl, services: [roles] })
      const [state] = await query(
        server.adminUrl,
        `select has_database_privilege('pg_monitor', '${service.database}', 'CONNECT') as metrics,
           (select rolcanlogin from pg_roles where rolname = '${roles.owner}') as owner`,
      )
      expect({ provisioned, migrated, again, findings, state }).toEqual({
        provisioned: expect.objectContaining({
          exitCode: 0,
          stdout: expect.stringContaining(`provisioned ${service.database} (adopted)`),
        }),
        migrated: expect.objectContaining({
          exitCode: 0,
          stdout: expect.stringMatching(
            new RegExp(`^migrated ${service.database}: (\\d+) applied, \\1 in all`),
          ),
        }),
        again: expect.objectContaining({
          exitCode: 0,
          stdout: expect.stringContaining(`provisioned ${service.database} (unchanged)`),
        }),
        findings: [],
        state: { metrics: true, owner: false },
      })

      const { startupProbe, readinessProbe, lifecycle } = podOf(documents, name).container
      const running = stack.use(
        startService({ entry: join(service.folder, 'src/index.ts'), env: { ...environment, PORT: '0' } }),
      )
      const url = await running.url()
      const statusOf = async (path = '/'): Promise<number> => (await fetch(`${url}${path}`)).status
      await eventually(async () => expect(await statusOf(readinessProbe?.httpGet?.path)).toBe(200))
      const token = await Bun.file(environment.HEALTH_TOKEN_FILE ?? '').text()
      const headers = { authorization: `Bearer ${token}` }
      // Without what the server says where that has not answered in time.
      const details = await eventually(async () => {
        const report = (await (await fetch(`${url}/health/detailed`, { headers })).json()) as {
          isolation: unknown
        }
        return report.isolation !== null && report
      })
      expect({
        startup: await statusOf(startupProbe?.httpGet?.path),
        refused: await statusOf('/health/detailed'),
        details,
        preStop: lifecycle?.preStop?.sleep?.seconds,
      }).toMatchObject({ startup: 200, refused: 401, details: { isolation: { confined: true } }, preStop: 5 })

      // The kubelet changes the files of a mounted Secret, under the service and under the next Job.
      for (const file of [environment.DATABASE_PASSWORD_FILE, provisioner.DATABASE_PASSWORD_FILE])
        writeFileSync(file ?? '', 'another-password')
      const rotated = await run('provision', { ...provisioner, ...admin })
      const ofService = `from pg_stat_activity where usename = '${roles.app.name}'`
      const [ended] = await query(
        server.adminUrl,
        `select clock_timestamp()::text as at, count(pg_terminate_backend(pid)) ${ofService}`,
      )
      await eventually(async () => {
        const status = await statusOf(readinessProbe?.httpGet?.path)
        const logins = await query(
          server.adminUrl,
          `select pid ${ofService} and backend_start > '${ended?.at}'`,
        )
        expect({ status, back: logins.length > 0 }).toEqual({ status: 200, back: true })
      })
      running.kill('SIGTERM')
      expect({ rotated: rotated.exitCode, stopped: await running.exited }).toEqual({ rotated: 0, stopped: 0 })
    },
    120_000,
  )
})
