import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { defaultDataRoot, stopLocalCluster } from '@shared/postgres'
import { commands } from '../src/commands/index.ts'
import { repositoryRoot } from '../src/workspace/packages.ts'
import { shellEnvironment } from './command-line.ts'
import { startDev } from './dev-process.ts'

const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8')
const manifest: { scripts: Record<string, string>; engines: { bun: string } } = JSON.parse(
  readFileSync(join(repositoryRoot, 'package.json'), 'utf8'),
)

/** Every command line of Bun that a text shows, without `npx --yes bun@…` and without what stands after it. */
function commandLines(text: string): string[] {
  const code = [...text.matchAll(/^```(?:sh|console)\n([\s\S]*?)^```|`([^`\n]+)`/gm)]
  return code
    .flatMap(([, block, inline]) => (block ?? inline ?? '').split('\n'))
    .map((line) =>
      line.replace(/\s+#.*$/, '').replace(/^(?:[A-Z_]+=\S+ )*(?:npx --yes bun@[\d.]+|bun) /, 'bun '),
    )
    .filter((line) => /^bun (?:run |x |build |[\w./]+\.ts$)/.test(line))
}

/** The name of the command that a line runs; null where it runs a program of Bun or a file. */
const commandOf = (line: string): string | null => /^bun run ([\w:]+)/.exec(line)?.[1] ?? null

/** What a line asks of a command that the command does not have. */
async function unknownOptions(names: readonly string[], text: string): Promise<string[]> {
  const options = await Promise.all(
    names.map(async (name) => Object.keys((await commands[name]?.load())?.command.options ?? {})),
  )
  const known = new Set([...options.flat(), 'help'])
  return [...text.matchAll(/--([a-z][\w-]*)/g)].flatMap(([, option = '']) =>
    known.has(option) ? [] : [option],
  )
}

describe('the README', () => {
  const lines = commandLines(readme)

  test('shows commands that exist, with options that they have', async () => {
    const rows = readme.split('\n').filter((row) => row.startsWith('| `bun run'))
    const shown = [...lines.map((line) => [line]), ...rows.map((row) => [row, ...commandLines(row)])]
    const wrong: string[] = []
    for (const [text = '', ...inRow] of shown) {
      const names = (inRow.length > 0 ? inRow : [text]).map(commandOf).filter((name) => name !== null)
      for (const name of names) {
        const script = manifest.scripts[name]
        const exists = name === 'help' || name in commands
        if (!exists || script !== `bun shared/cli/bin.ts ${name}`) wrong.push(name)
      }
      if (names.length > 0)
        for (const option of await unknownOptions(names, text)) wrong.push(`${names.join(' ')} --${option}`)
    }
    expect({ wrong, lines: lines.length > 30, rows: rows.length > 15 }).toEqual({
      wrong: [],
      lines: true,
      rows: true,
    })
  })

  test('has each command in its table', () => {
    const table = readme.split('\n').filter((row) => row.startsWith('| `bun run'))
    const named = new Set(table.flatMap(commandLines).map(commandOf))
    const missing = Object.keys(commands).filter((name) => !named.has(name) && !unlisted.includes(name))
    expect(missing).toEqual([])
  })

  test('names the files that its commands run, and the Bun that package.json names', () => {
    const files = lines.flatMap((line) => line.split(' ').filter((word) => word.endsWith('.ts')))
    const versions = [...readme.matchAll(/\bbun@([\d.]+)/g)].map(([, version]) => version)
    expect({
      missing: files.filter((file) => !existsSync(join(repositoryRoot, file))),
      files: files.length > 0,
      versions: [...new Set(versions)],
    }).toEqual({ missing: [], files: true, versions: [manifest.engines.bun] })
  })
})

/** Described under the headings of what they are for. */
const unlisted = ['test:browser']

describe('on a machine without Bun', () => {
  // As npx runs it: Bun by its path, and on PATH what a machine with Node has.
  let folder: string
  const dataRoot = resolve(defaultDataRoot(), '../test/servers', `${process.pid}-readme`)
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'without-bun-'))
    for (const program of ['env', 'git', 'id', 'node', 'ps', 'sh']) {
      const path = Bun.which(program)
      if (path !== null) symlinkSync(path, join(folder, program))
    }
  })
  afterAll(async () => {
    await stopLocalCluster({ dataRoot, mode: 'immediate' })
    for (const path of [folder, dataRoot]) rmSync(path, { recursive: true, force: true })
  })

  test.each(['help', 'options', 'db:generate auth'])(
    'bun run %s finds all that it starts',
    async (line) => {
      const child = Bun.spawn([process.execPath, 'shared/cli/bin.ts', ...line.split(' ')], {
        cwd: repositoryRoot,
        env: shellEnvironment({ PATH: folder }),
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'pipe',
      })
      expect({ stderr: await child.stderr.text(), exitCode: await child.exited }).toEqual({
        stderr: '',
        exitCode: 0,
      })
    },
    120_000,
  )

  test('bun run dev starts the database and a service', async () => {
    await using dev = startDev(['auth', '--data-root', dataRoot], { PATH: folder })
    expect(Object.keys(await dev.addresses())).toEqual(['auth'])
    dev.signalGroup('SIGINT')
    expect(await dev.exited).toBe(0)
  }, 120_000)
})
