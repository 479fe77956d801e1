import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkIsolation } from '@shared/postgres'
import { startTestServer, testPostgres } from '@shared/postgres/testing'
import { checkBoundaries } from '../../src/checks/boundaries.ts'
import { composeConnections, parseCompose } from '../../src/compose/compose-file.ts'
import { rolesOf } from '../../src/databases/provisioning.ts'
import { composeEnvironments } from '../../src/workspace/service-environment.ts'
import { findServices, type Service } from '../../src/workspace/services.ts'
import { copyWorkspace, freeName, type WorkspaceCopy } from './workspace-copy.ts'

const before = await findServices([])
const taken = before.map(({ port }) => port)
let free = 8001
while (taken.includes(free)) free += 1
const name = freeName('orders')
const second = freeName('billing')
let copy: WorkspaceCopy

beforeAll(async () => {
  copy = await copyWorkspace()
}, 120_000)
afterAll(() => copy.remove())

const cli = (words: readonly string[], environment: Record<string, string> = {}) =>
  copy.run(['shared/cli/bin.ts', ...words], environment)

describe('new:service', () => {
  let printed: string
  let services: Service[]

  beforeAll(async () => {
    const { exitCode, stdout, stderr } = await cli(['new:service', name])
    if (exitCode !== 0) throw new Error(stderr)
    printed = stdout
    services = await findServices([], copy.root)
  }, 120_000)

  test('takes the next port, and lists what it wrote and what comes next', () => {
    const made = services.find(({ service }) => service === name)
    expect({ made, names: services.map(({ service }) => service).sort() }).toEqual({
      made: expect.objectContaining({ service: name, database: `${name}_db`, port: free }),
      names: [...before.map(({ service }) => service), name].sort(),
    })
    expect(printed).toStartWith(`${name}: a service on :${free} with a database ${name}_db\n`)
    for (const line of [
      `created  drizzle/${name}/schema.ts`,
      `created  services/${name}/.env.development`,
      'changed  docker-compose.yml',
      `bun run db:generate ${name}`,
    ])
      expect(printed).toContain(line)
  })

  test('adds a row to the table in README.md', () => {
    const rows = readFileSync(join(copy.root, 'README.md'), 'utf8').match(/^\| \w+ \| http.*$/gm) ?? []
    expect(rows).toHaveLength(services.length)
    expect(rows.at(-1)).toBe(`| ${name} | http://127.0.0.1:${free} | \`${name}_db\` | items |`)
  })

  test('passes the type check, the linter and the rules of who may import whom', async () => {
    const folders = [`services/${name}`, `drizzle/${name}`]
    const files = ['docker-compose.yml', 'services/deploy', 'shared/monitoring']
    const [types, lint] = await Promise.all([
      copy.run(['check', '--no-script', '--no-pretty', ...folders]),
      copy.run(['node_modules/@biomejs/biome/bin/biome', 'check', ...folders, ...files]),
    ])
    expect(`${types.stdout}${types.stderr}`).toMatch(/\d+ files/)
    expect({
      types: `${types.stdout}${types.stderr}`.split('\n').filter((line) => line.includes(`/${name}/`)),
      lint,
      imports: checkBoundaries(copy.root).filter((finding) => finding.includes(`/${name}/`)),
    }).toEqual({ types: [], lint: expect.objectContaining({ exitCode: 0 }), imports: [] })
  }, 120_000)

  test('passes its own tests on a real database', async () => {
    const { adminUrl } = await testPostgres()
    const { exitCode, stderr } = await cli(['test', name, `drizzle/${name}`], {
      TEST_DATABASE_ADMIN_URL: adminUrl,
    })
    expect(stderr).toMatch(/^ \d\d pass$/m)
    expect({ exitCode, failures: stderr.match(/^\(fail\).*$/gm) }).toEqual({ exitCode: 0, failures: null })
  }, 120_000)

  test('has manifests for Kubernetes, by their own tests', async () => {
    const folder = './shared/cli/test/deploy'
    const files = ['connections', 'environment', 'kustomization', 'network', 'pods', 'schemas', 'templates']
    const { exitCode, stderr } = await copy.run([
      'test',
      '--timeout=120000',
      ...files.map((file) => `${folder}/${file}.test.ts`),
    ])
    expect(stderr).toContain(`(pass) services/deploy > gives ${name} and its Jobs environments`)
    expect({ exitCode, failures: stderr.match(/^\(fail\).*$/gm) }).toEqual({ exitCode: 0, failures: null })
  }, 120_000)

  test('is in docker-compose.yml and scraped, by the tests of both, with a server large enough', async () => {
    const compose = parseCompose(readFileSync(join(copy.root, 'docker-compose.yml'), 'utf8'))
    const { allowed, available } = composeConnections(compose, services)
    expect(available).toBeGreaterThanOrEqual(allowed)
    const names = [
      'cli/test/compose/compose',
      'cli/test/compose/operation',
      'cli/test/compose/dockerfile',
      'monitoring/test/setup',
    ]
    const { exitCode, stderr } = await copy.run([
      'test',
      '--timeout=120000',
      `--test-name-pattern=docker-compose.yml|Prometheus|${name}`,
      ...names.map((name) => `./shared/${name}.test.ts`),
    ])
    expect(stderr).toContain(`(pass) docker-compose.yml > gives ${name} the port of its definition`)
    expect(stderr).toContain('(pass) Prometheus scrapes every service')
    expect({ exitCode, failures: stderr.match(/^\(fail\).*$/gm) }).toEqual({ exitCode: 0, failures: null })
  }, 120_000)

  test('is provisioned, migrated and reached, and isolated from every other service', async () => {
    await using server = await startTestServer()
    const admin = { DATABASE_ADMIN_URL: server.adminUrl }
    const provisioned = await cli(['db:provision', '--close-shared-databases'], admin)
    const migrated = await cli(['db:migrate'], admin)
    const { stdout } = await cli(['connections'], admin)
    const setups = composeEnvironments(services, { environment: {} })
    const roles = setups.map((setup) => rolesOf(setup))
    // No passwords were given, and the committed ones are not for a server like this: they were generated and stored.
    for (const { service, environment } of setups) {
      expect(environment.DATABASE_PASSWORD).toMatch(/^[\w-]{32}$/)
      expect(provisioned.stdout).not.toContain(environment.DATABASE_PASSWORD)
      expect(statSync(join(service.folder, '.env.local')).mode & 0o777).toBe(0o600)
    }
    const { matrix, findings } = await checkIsolation({ adminUrl: server.adminUrl, services: roles })
    const connected = matrix.filter(({ outcome }) => outcome === 'connected')
    expect({
      provisioned: provisioned.stdout,
      migrated: migrated.stdout,
      reached: stdout.trim().split('\n').at(-1),
      findings,
      tried: matrix.length,
      connected: connected.map(({ role, database }) => `${role} ${database}`),
      refused: new Set(matrix.filter((cell) => !connected.includes(cell)).map(({ outcome }) => outcome)),
    }).toEqual({
      provisioned: expect.stringContaining(`${name}_db (created)`),
      migrated: expect.stringContaining(`migrated ${name}_db: 1 applied, 1 in all`),
      reached: `${services.length}/${services.length} services connected successfully`,
      findings: [],
      // Two logins a service; every service's database, postgres and template1.
      tried: services.length * 2 * (services.length + 2),
      connected: services.flatMap(({ service }) => [
        `${service}_app ${service}_db`,
        `${service}_migrator ${service}_db`,
      ]),
      refused: new Set(['42501']),
    })
  }, 120_000)

  test('makes a second one beside it, on the given port', async () => {
    const port = free + 1000
    const { exitCode } = await cli(['new:service', second, '--port', String(port), '--allow-dirty'])
    const [made] = await findServices([second], copy.root)
    expect({ exitCode, port: made?.port }).toEqual({ exitCode: 0, port })
    const again = await cli(['new:service', 'invoices', '--port', String(port), '--allow-dirty'])
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`belongs to the service ${second}`),
    })
  }, 120_000)
})
