import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { pack, type Tarball } from '../../src/pack/pack.ts'
import { repositoryRoot } from '../../src/workspace/packages.ts'
import { machineWith, type NodeMachine, ownNode, provideNodes } from './node-versions.ts'
import { type Compiler, compileProject, createProject, type Project } from './project.ts'
import { addShop, servedInOrder, useShop } from './shop/use-shop.ts'
import { endTools } from './tools.ts'

// Compilers and package managers need seconds, and minutes on a machine that is busy with other things.
setDefaultTimeout(500_000)

const folder = mkdtempSync(join(tmpdir(), 'tarballs-'))
const example = join(import.meta.dir, 'example')
const { catalog } = (await Bun.file(join(repositoryRoot, 'package.json')).json()).workspaces
const dependencies = { 'drizzle-orm': catalog['drizzle-orm'], postgres: catalog.postgres, hono: catalog.hono }

let tarballs: Tarball[]
let machine: NodeMachine
let project: Project
let database: TestDatabase
let environment: Record<string, string>

beforeAll(async () => {
  machine = machineWith(ownNode())
  const install = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  ;[tarballs, database] = await Promise.all([pack({ destination: folder }), withDatabase()])
  environment = { DATABASE_URL: database.ownerUrl }
  project = await createProject({
    sources: example,
    tarballs,
    dependencies: { ...dependencies, 'drizzle-orm-1': catalog['drizzle-orm-1'] },
    install,
    path: machine.path,
  })
  project.write('src/every-entry.ts', everyEntry(tarballs))
}, 500_000)

afterAll(async () => {
  endTools()
  project?.[Symbol.dispose]()
  machine?.[Symbol.dispose]()
  rmSync(folder, { recursive: true })
  await database?.drop()
})

/** A module with everything that is exported. */
function everyEntry(packed: readonly Tarball[]): string {
  const names = packed.flatMap(({ name, entries }) =>
    entries
      .filter(({ keptBecause }) => keptBecause === null)
      .map(({ subpath }) => `${name}${subpath.slice(1)}`),
  )
  return names.map((name, place) => `export * as entry${place} from '${name}'\n`).join('')
}

const answer = {
  found: [{ id: 2, title: 'Refactoring' }],
  first: { title: 'Peopleware' },
  status: 'connected',
}

describe('a project with the tarballs installed by npm', () => {
  const settings: [Compiler, 'bundler' | 'nodenext'][] = [
    ['typescript', 'nodenext'],
    ['typescript', 'bundler'],
    ['typescript-5', 'nodenext'],
    ['typescript-5', 'bundler'],
  ]
  // The declarations of drizzle-orm name drivers that are not installed, and contradict each other: also without us.
  const control = [
    '/// <reference types="node" />',
    "import 'drizzle-orm/postgres-js'",
    "import 'drizzle-orm/postgres-js/migrator'",
  ].join('\n')
  const errorsOfDrizzle = new Map<string, Promise<string[]>>()
  function errorsOfDrizzleAlone(resolution: 'bundler' | 'nodenext'): Promise<string[]> {
    project.write('src/control.ts', control)
    const known = errorsOfDrizzle.get(resolution)
    const errors = known ?? compileProject(project, ['src/control.ts'], 'typescript', resolution)
    errorsOfDrizzle.set(resolution, errors)
    return errors
  }

  test.each(settings)('type-checks with %s and moduleResolution %s', async (compiler, resolution) => {
    const errors = await compileProject(project, ['src/main.ts', 'src/every-entry.ts'], compiler, resolution)
    const known = await errorsOfDrizzleAlone(resolution)
    expect(errors.filter((place) => !known.includes(place))).toEqual([])
  })

  async function answersOn(node: string): Promise<void> {
    const { stdout, ...end } = await project.run([node, 'out/src/main.js'], environment)
    expect({ ...end, answer: JSON.parse(stdout || 'null') }).toEqual({ exitCode: 0, stderr: '', answer })
  }

  test('answers on Node, and ends by itself', async () => {
    await compileProject(project, ['src/main.ts'], 'typescript', 'nodenext', { skipLibCheck: true })
    await answersOn(machine.node)
  })

  test('answers on later versions of Node', async () => {
    const [nodes] = await Promise.all([
      provideNodes(),
      compileProject(project, ['src/main.ts'], 'typescript', 'nodenext', { skipLibCheck: true }),
    ])
    for (const node of nodes) await answersOn(node)
  })

  test('runs the service of the page on Node, from the page’s files', async () => {
    addShop(project)
    project.write('on-node.mjs', await Bun.file(join(import.meta.dir, 'shop', 'on-node.mjs')).text())
    project.write('src/shop/bun.d.ts', 'declare const Bun: any')
    const files = ['src/shop/bun.d.ts', 'src/shop/index.ts']
    const errors = await compileProject(project, files, 'typescript', 'nodenext', { skipLibCheck: true })
    expect(errors).toEqual([])
    const command = [machine.node, '--import', './on-node.mjs', 'out/src/shop/index.js']
    expect(await useShop(project, command)).toEqual(servedInOrder)
  })

  test('serves on Node, sends its traces, and a signal ends it in order', async () => {
    project.write('service.mjs', await Bun.file(join(import.meta.dir, 'service', 'main.mjs')).text())
    const { exitCode, stderr } = await project.run([machine.node, 'service.mjs'], {
      ...environment,
      HEALTH_DETAILS: 'always',
      LOG_LEVEL: 'warn',
    })
    expect({ exitCode, ...JSON.parse(stderr || 'null') }).toEqual({
      exitCode: 0,
      answers: { '/readyz': 200, '/one': 200, '/metrics': 200, '/docs/swagger-ui.css': 200, '/nowhere': 404 },
      traces: { statement: true },
    })
  })

  test('loads every entry on Node', async () => {
    await compileProject(project, ['src/every-entry.ts'], 'typescript', 'nodenext', { skipLibCheck: true })
    expect(await project.run([machine.node, 'out/src/every-entry.js'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    })
  })
})

describe('a project of CommonJS modules, with two copies and two versions of drizzle-orm', () => {
  test('answers on Node by require(), whichever copy its schema is of', async () => {
    project.write('second-copy.cjs', await Bun.file(join(import.meta.dir, 'second-copy', 'main.cjs')).text())
    const { stdout, exitCode } = await project.run([machine.node, 'second-copy.cjs'], environment)
    expect({ exitCode, answer: JSON.parse(stdout || 'null') }).toEqual({
      exitCode: 0,
      answer: {
        inserted: [{ id: 1, title: 'Peopleware' }],
        found: [{ id: 1, title: 'Refactoring' }],
        first: { id: 1, title: 'Refactoring' },
        second: true,
      },
    })
  })
})

describe('a project with the tarballs installed by bun, under another scope', () => {
  const scope = '@acme'
  let own: Project

  beforeAll(async () => {
    own = await createProject({
      sources: example,
      tarballs: await pack({ destination: folder, scope }),
      dependencies: { ...dependencies, 'bun-types': catalog['bun-types'] },
      scope,
      install: [process.execPath, 'install', '--prefer-offline', '--ignore-scripts'],
    })
  }, 500_000)
  afterAll(() => own?.[Symbol.dispose]())

  test('answers on Bun from its TypeScript, and ends by itself', async () => {
    const { stdout, ...end } = await own.run([process.execPath, 'src/main.ts'], environment)
    expect({ ...end, answer: JSON.parse(stdout || 'null') }).toEqual({ exitCode: 0, stderr: '', answer })
  })

  test('runs the service of the page on Bun, from the page’s files', async () => {
    addShop(own)
    const errors = await compileProject(own, ['src/shop/index.ts'], 'typescript', 'bundler', {
      types: ['bun-types'],
      skipLibCheck: true,
    })
    expect(errors).toEqual([])
    expect(await useShop(own, [process.execPath, 'src/shop/index.ts'])).toEqual(servedInOrder)
  })

  test('has no file that names the scope of the workspace', async () => {
    const packages = join(own.folder, 'node_modules', scope)
    const files = [
      ...new Bun.Glob('*/**/*').scanSync({ cwd: packages, absolute: true, followSymlinks: true }),
    ]
    const naming = files.filter((file) => readFileSync(file, 'utf8').includes('@shared/'))
    expect({ naming, some: files.length > 100 }).toEqual({ naming: [], some: true })
  })

  test('is refused with a driver that answers wrongly, and told which to install', async () => {
    const added = await own.run([process.execPath, 'add', '--ignore-scripts', 'postgres@3.4.7'])
    expect(added.exitCode).toBe(0)
    const { exitCode, stderr } = await own.run([process.execPath, 'src/main.ts'], environment)
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('install postgres 3.4.9'),
    })
  })
})

describe('a tarball', () => {
  const contentOf = (tarball: Tarball): string[] =>
    Bun.spawnSync(['tar', '-tzf', tarball.file]).stdout.toString().trim().split('\n')

  test('has code, declarations, manifest, README, license and changelog, and nothing else', () => {
    const others = tarballs.flatMap((tarball) =>
      contentOf(tarball).filter(
        (path) =>
          !/^package\/(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/[\w./-]+\.(?:js|d\.ts))$/.test(
            path,
          ) || /\/(?:test|bench)\/|\.test\./.test(path),
      ),
    )
    expect({ others, names: tarballs.map(({ name }) => name) }).toEqual({
      others: [],
      names: expect.arrayContaining([
        '@shared/database',
        '@shared/env',
        '@shared/monitor',
        '@shared/pool',
        '@shared/service',
        '@shared/telemetry',
      ]),
    })
  })

  test('leaves out the entries that are for this workspace alone, each for a reason', () => {
    const kept = tarballs.flatMap(({ name, entries }) =>
      entries
        .filter(({ keptBecause }) => keptBecause !== null)
        .map(({ subpath }) => `${name}${subpath.slice(1)}`),
    )
    expect(kept).toEqual([
      '@shared/database/bench',
      '@shared/pool/testing',
      '@shared/pool/testing/node',
      '@shared/service/testing',
      '@shared/service/testing/hostile',
      '@shared/service/testing/openapi',
      '@shared/telemetry/testing',
    ])
  })
})
