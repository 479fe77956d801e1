import { expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../src/workspace/packages.ts'

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')

test('the CI workflow runs .ci/run on what is pushed and proposed, with the right to read and no other', () => {
  const workflow = Bun.YAML.parse(read('.github/workflows/ci.yml')) as {
    on: Record<string, unknown>
    permissions: unknown
    jobs: Record<string, { steps: { run?: string }[] }>
  }
  const commands = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
  expect({ on: Object.keys(workflow.on), permissions: workflow.permissions, commands }).toEqual({
    on: ['push', 'pull_request'],
    permissions: { contents: 'read' },
    commands: ['.ci/run'],
  })
  expect(statSync(join(repositoryRoot, '.ci/run')).mode & 0o111).not.toBe(0)
})

test('Dependabot looks at folders that exist, and leaves the driver alone', () => {
  const { updates } = Bun.YAML.parse(read('.github/dependabot.yml')) as {
    updates: { directory: string; ignore?: { 'dependency-name': string }[] }[]
  }
  expect(updates.filter(({ directory }) => !existsSync(join(repositoryRoot, directory)))).toEqual([])
  expect(updates.flatMap(({ ignore = [] }) => ignore)).toEqual([{ 'dependency-name': 'postgres' }])
})

test('the editor launches programs that exist', () => {
  const { configurations } = JSON.parse(read('.vscode/launch.json')) as {
    configurations: { program: string }[]
  }
  const programs = configurations
    .map(({ program }) => program.replace('${workspaceFolder}', '.').replace('${input:service}', 'product'))
    .filter((program) => !program.includes('${'))
  expect(programs.filter((program) => !existsSync(join(repositoryRoot, program)))).toEqual([])
})
