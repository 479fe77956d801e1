import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../src/command-line/errors.ts'
import { makeService } from '../../src/new-service/make.ts'
import { planService } from '../../src/new-service/plan.ts'
import { copyWorkspace, freeName, type WorkspaceCopy } from './workspace-copy.ts'

const orders = freeName('orders')
let copy: WorkspaceCopy

beforeAll(async () => {
  copy = await copyWorkspace()
}, 120_000)
afterAll(() => copy.remove())

const cli = (words: readonly string[]) => copy.run(['shared/cli/bin.ts', ...words])

describe('new:service refuses, and touches no file', () => {
  test.each([
    [
      'capitals',
      'Orders',
      undefined,
      '"Orders" will not do: a name has 2 to 24 lower-case letters and digits',
    ],
    ['a hyphen', 'order-history', undefined, '"order-history" will not do'],
    ['a way out of the folder', '../orders', undefined, '"../orders" will not do'],
    ['a digit first', '2orders', undefined, '"2orders" will not do'],
    ['25 characters', 'o'.repeat(25), undefined, `"${'o'.repeat(25)}" will not do`],
    ['a word of YAML', 'null', undefined, 'null means something else in YAML or PostgreSQL'],
    ['the start of system roles', 'pg', undefined, 'pg means something else in YAML or PostgreSQL'],
    ['the name of a service', 'cart', undefined, 'there is a service cart already'],
    [
      'the name of a container',
      'postgres',
      undefined,
      'docker-compose.yml has something called postgres already',
    ],
    ['the name of a network', 'admin', undefined, 'docker-compose.yml has something called admin already'],
    ['the name of a folder', 'shared', undefined, 'the folder shared exists already'],
    [
      'the name of a folder of manifests',
      'network',
      undefined,
      'the folder services/deploy/base/network exists already',
    ],
    ["a service's port", orders, '8002', 'port 8002 belongs to the service product'],
    ["the local server's port", orders, '54320', 'port 54320 belongs to the local PostgreSQL'],
    ['a port of the system', orders, '80', '--port must be a whole number from 1024 to 65535, not 80'],
    ['a port in words', orders, '0x1f90', '--port must be a whole number'],
  ])('%s', async (_what, name, port, message) => {
    const files = copy.fingerprint()
    const failure = await planService({ name, port, root: copy.root }).catch((error: Error) => error)
    expect({ failure, files: copy.fingerprint() }).toEqual({ failure: expect.any(UsageError), files })
    expect((failure as Error).message).toStartWith(message)
  })

  test.each([
    ['no name', [], 'which name? a name has 2 to 24 lower-case letters and digits, a letter first'],
    ['two names', ['orders', 'billing'], 'one service at a time: what is billing?'],
    ['a name that is taken', ['cart'], 'there is a service cart already'],
  ])('%s on the command line, with exit code 2', async (_what, words, message) => {
    const files = copy.fingerprint()
    const { exitCode, stdout, stderr } = await cli(['new:service', ...words])
    expect({ exitCode, stdout, files: copy.fingerprint() }).toEqual({ exitCode: 2, stdout: '', files })
    expect(stderr).toContain(`new:service: ${message}`)
  })

  test('changes that are not committed where it would write', async () => {
    const git = (...words: string[]) =>
      Bun.spawnSync(['git', '-c', 'user.name=test', '-c', 'user.email=test@test', ...words], {
        cwd: copy.root,
      })
    git('init', '--quiet')
    git('add', 'README.md', 'bun.lock', 'docker-compose.yml', 'services/deploy', 'shared/monitoring')
    git('commit', '--quiet', '--message', 'before', '--no-gpg-sign')
    const path = join(copy.root, 'docker-compose.yml')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text}# mine\n`)
    const files = copy.fingerprint()
    const { exitCode, stderr } = await cli(['new:service', orders])
    expect({ exitCode, files: copy.fingerprint() }).toEqual({ exitCode: 1, files })
    expect(stderr).toContain(' M docker-compose.yml\nCommit them first, or give --allow-dirty.')
    writeFileSync(path, text)
  })
})

describe('new:service leaves nothing', () => {
  test('when the packages cannot be installed', async () => {
    const files = copy.fingerprint()
    const plan = await planService({ name: orders, root: copy.root })
    const created = plan.created.map(({ path, text }) => ({
      path,
      text: path.endsWith('package.json') ? text.replaceAll('@shared/service', '@shared/nowhere') : text,
    }))
    const failure = await makeService({ ...plan, created }).catch((error: Error) => error.message)
    expect({ failure, files: copy.fingerprint() }).toEqual({
      failure: expect.stringContaining('bun install failed; nothing was left behind.'),
      files,
    })
  })

  test('when a file was changed since it was read', async () => {
    const plan = await planService({ name: orders, root: copy.root })
    const path = join(copy.root, 'README.md')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text}\nmine\n`)
    const files = copy.fingerprint()
    const failure = await makeService(plan).catch((error: Error) => error.message)
    expect({ failure, files: copy.fingerprint() }).toEqual({
      failure: 'README.md changed at this moment: try again.',
      files,
    })
    writeFileSync(path, text)
  })

  test('when it is stopped on the way', async () => {
    const files = copy.fingerprint()
    const plan = await planService({ name: orders, root: copy.root })
    const stop = new AbortController()
    const making = makeService(plan, stop.signal).catch((error: Error) => error.message)
    const written = existsSync(join(copy.root, `services/${orders}/src/app.ts`))
    stop.abort()
    expect({ written, failure: await making, files: copy.fingerprint() }).toEqual({
      written: true,
      failure: 'stopped; nothing was left behind.',
      files,
    })
  })
})
