import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../src/workspace/packages.ts'
import { runCli } from './command-line.ts'

/** A test file that waits until the other one runs too, and says which server it has. */
const source = (own: string, other: string) => `
import { test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, testPostgres } from '@shared/postgres/testing'
test('${own} has a server while ${other} runs', async () => {
  console.log('${own} on', (await testPostgres()).port)
  writeFileSync(join(import.meta.dir, '${own}'), '')
  await eventually(() => existsSync(join(import.meta.dir, '${other}')))
})`

test('two workers run two files at the same time, each on a server of its own', async () => {
  const parent = join(repositoryRoot, '.data')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'workers-'))
  try {
    const names = ['first', 'second'] as const
    const files = names.map((name) => join(folder, `${name}.test.ts`))
    writeFileSync(files[0] ?? '', source('first', 'second'))
    writeFileSync(files[1] ?? '', source('second', 'first'))
    const { exitCode, stdout, stderr } = await runCli(['test', '--workers', '2', ...files])
    const output = stdout + stderr
    const ports = names.map((name) => output.match(new RegExp(`${name} on (\\d+)`))?.[1])
    expect({ exitCode, servers: new Set(ports).size, ports, output }).toEqual({
      exitCode: 0,
      servers: 2,
      ports: [expect.any(String), expect.any(String)],
      output: expect.stringContaining('2 workers, each with a test server'),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 240_000)

test('no worker is refused', async () => {
  expect(await runCli(['test', '--workers', '0'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--workers must be at least 1'),
  })
})
