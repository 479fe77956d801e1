import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Package, readPackages, repositoryRoot, withDependencies } from '../../src/workspace/packages.ts'
import { serviceNames } from '../../src/workspace/services.ts'
import {
  bundles,
  copies,
  execForm,
  instructionsOf,
  isIgnored,
  readDockerfile,
  withArguments,
} from './dockerfile.ts'

const dockerfile = readDockerfile()
const packages = readPackages()
const names = serviceNames()
const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'))
const valuesOf = (name: string) => ({ SERVICE: name })

const packageOf = (name: string): Package => {
  const found = packages.find(({ path }) => path === `services/${name}`)
  if (found === undefined) throw new Error(`no service ${name}`)
  return found
}

/** Bun needs the manifest of each package that a manifest names, even if for tests only. */
function namedBy(start: Package): string[] {
  const found = new Set([
    start,
    ...packages.filter(({ manifest: { name } }) => name in manifest.devDependencies),
  ])
  for (const { manifest: own } of found) {
    const wanted = Object.keys({ ...own.dependencies, ...own.devDependencies, ...own.optionalDependencies })
    for (const candidate of packages) if (wanted.includes(candidate.manifest.name)) found.add(candidate)
  }
  return [...found].map(({ path }) => path).sort()
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'image-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

describe('services/Dockerfile', () => {
  test('builds on the Bun that package.json names, in each stage', () => {
    const version = /^BUN_VERSION=(.*)$/.exec(instructionsOf(dockerfile, '', 'ARG')[0] ?? '')?.[1] ?? ''
    const images = dockerfile
      .filter(({ name }) => name === 'FROM')
      .map(({ text }) => text.split(' ')[0] ?? '')
    expect({
      packageManager: `bun@${version}`,
      images: images.map((image) => withArguments(image, { BUN_VERSION: version })),
    }).toEqual({
      packageManager: manifest.packageManager,
      images: [`oven/bun:${version}-slim`, `oven/bun:${version}-slim`, `oven/bun:${version}-distroless`],
    })
  })

  test.each(names)('copies only what exists and reaches the build, for %s', (name) => {
    const sources = ['bundle', 'tools', 'service'].flatMap((stage) =>
      copies(dockerfile, stage, valuesOf(name)),
    )
    expect(sources.length).toBeGreaterThan(10)
    expect(
      sources
        .map(({ source }) => source)
        .filter((source) => !existsSync(join(repositoryRoot, source)) || isIgnored(source)),
    ).toEqual([])
  })

  test.each(names)(
    'copies the manifests that installing %s needs, and the code it runs on, and no more',
    (name) => {
      const sources = copies(dockerfile, 'bundle', valuesOf(name)).map(({ source }) => source)
      const manifests = sources.filter((source) => source.endsWith('/package.json'))
      const code = sources.filter((source) => packages.some(({ path }) => path === source))
      expect({ manifests: manifests.sort(), code: code.sort() }).toEqual({
        manifests: namedBy(packageOf(name)).map((path) => `${path}/package.json`),
        code: withDependencies(packageOf(name), packages)
          .map(({ path }) => path)
          .sort(),
      })
    },
  )

  test.each(names)(
    'runs and checks %s by programs it has bundled from sources that exist, in exec form',
    (name) => {
      const bundled = bundles(dockerfile, valuesOf(name))
      const programs = ['ENTRYPOINT', 'HEALTHCHECK'].map((instruction) =>
        execForm(instructionsOf(dockerfile, 'service', instruction)[0] ?? ''),
      )
      expect({ programs, bundled }).toEqual({
        programs: [
          ['/usr/local/bin/bun', '/app/index.js'],
          ['/usr/local/bin/bun', '/app/healthcheck.js'],
        ],
        bundled: {
          '/app/index.js': `services/${name}/src/index.ts`,
          '/app/healthcheck.js': 'shared/service/src/healthcheck.ts',
        },
      })
      expect(Object.values(bundled).filter((source) => !existsSync(join(repositoryRoot, source)))).toEqual([])
      expect(instructionsOf(dockerfile, 'service', 'COPY')).toEqual(['--from=bundle /out/ ./'])
    },
  )

  test.each(names)(
    'bundles %s and a health check that runs, with the very commands of the image',
    async (name) => {
      await using out = await temporaryFolder()
      const run = instructionsOf(dockerfile, 'bundle', 'RUN').find((text) => text.includes('bun build')) ?? ''
      for (const command of withArguments(run, valuesOf(name))
        .replaceAll('=/out', `=${out.path}`)
        .split('&&')) {
        const [program, ...words] = command.trim().replaceAll('"', '').split(/\s+/)
        expect(program).toBe('bun')
        const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...words], { cwd: repositoryRoot })
        expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: '' })
      }
      const files = readdirSync(out.path).map((file) => file.replace(/-[0-9a-z]{8}(?=\.)/, ''))
      expect(files.sort()).toEqual([
        'chunks',
        'healthcheck.js',
        'index.js',
        'index.js.map',
        'swagger-ui-bundle.js',
        'swagger-ui.css',
      ])
      await using service = Bun.serve({ port: 0, fetch: () => new Response() })
      const check = Bun.spawn([process.execPath, join(out.path, 'healthcheck.js')], {
        env: { PORT: String(service.port) },
        stdout: 'pipe',
      })
      expect({ exitCode: await check.exited, output: await check.stdout.text() }).toEqual({
        exitCode: 0,
        output: '',
      })
    },
  )

  test('runs the commands of the CLI from the tools stage', () => {
    const program = execForm(instructionsOf(dockerfile, 'tools', 'ENTRYPOINT')[0] ?? '')
    expect(program).toEqual(['/usr/local/bin/bun', '/app/shared/cli/bin.ts'])
    expect(existsSync(join(repositoryRoot, 'shared/cli/bin.ts'))).toBe(true)
  })

  test.each([
    ['service', '65532:65532'],
    ['tools', '1000:1000'],
  ])('runs the %s stage for production and not as root', (stage, user) => {
    expect(instructionsOf(dockerfile, stage, 'USER')).toEqual([user])
    expect(instructionsOf(dockerfile, stage, 'ENV').join(' ')).toContain('NODE_ENV=production')
  })

  test('installs what bun.lock names and nothing for development', () => {
    const installs = dockerfile.filter(({ text }) => text.includes('bun install'))
    expect(installs.map(({ stage }) => stage)).toEqual(['bundle', 'tools'])
    for (const { text } of installs) expect(text).toContain('bun install --frozen-lockfile --production')
  })
})
