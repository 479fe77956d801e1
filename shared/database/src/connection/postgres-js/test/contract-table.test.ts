import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const contractFiles = readdirSync(import.meta.dir)
  .filter((file) => /^contract-.*\.test\.ts$/.test(file) && file !== 'contract-table.test.ts')
  .map((file) => join(import.meta.dir, file))

test('the table of internals names every test of the contract, and no other', () => {
  const guide = readFileSync(join(import.meta.dir, '../README.md'), 'utf8')
  const named = [...guide.matchAll(/^\| .* \*(.+)\* \|$/gm)].map(([, title]) => title as string)
  const tests = contractFiles.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^ {2}test\('(.+)', (?:async )?\(\) =>/gm)].map(
      ([, title]) => title as string,
    ),
  )
  expect(named.sort()).toEqual(tests.sort())
})

/** A change of the driver, as an upgrade might bring it, and the tests that must fail by it. */
interface Patch {
  readonly file: string
  readonly from: string
  readonly to: string
  readonly fails: readonly string[]
}

const patches: Record<string, Patch> = {
  'options are parsed again': {
    file: 'index.js',
    from: 'if (a && a.shared)\n    return a',
    to: 'if (a && a.shared)\n    return { ...a, parsers: { ...a.parsers }, serializers: { ...a.serializers } }',
    fails: [
      'parsed options are taken as they are, with their codecs by reference',
      'a codec written after the login holds for connections that exist',
      'a parser marked array gets the text without its first brace',
    ],
  },
  'each message is a write of its own': {
    file: 'connection.js',
    from: 'nextWriteTimer === null && (nextWriteTimer = setImmediate(nextWrite))',
    to: 'nextWrite()',
    fails: [
      'statements of one turn go out in one write after it, and nothing is pending then',
      'from 1 024 bytes on everything pending is written at once',
      'a parameter that cannot be written rejects its own statement where that is alone, and a Sync follows',
    ],
  },
  'a stale plan is executed before it is marked as retried': {
    file: 'connection.js',
    from: 'q.retried = error\n    execute(q)',
    to: 'execute(q)\n    q.retried = error',
    fails: [
      'retried is set before it is executed again, and one that is cancelled by then is not sent',
      'only these members of it are read and written',
    ],
  },
  'a query has a new member': {
    file: 'connection.js',
    from: 'q.parameters = q.parameters || parameters',
    to: 'q.parameters = q.parameters || q.boundParameters || parameters',
    fails: ['only these members of it are read and written'],
  },
}

/** Runs the contract's tests against a driver with the change, and says which tests fail. */
async function failuresWith({ file, from, to }: Patch): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'driver-contract-'))
  const patchFile = join(folder, 'patch.ts')
  const config = join(folder, 'bunfig.toml')
  // First of all: the preload of the tests loads the driver too.
  const preload = [patchFile, join(import.meta.dir, '../../../../../postgres/test/preload.ts')]
  writeFileSync(patchFile, pluginText(file, from, to))
  writeFileSync(config, `[test]\npreload = ${JSON.stringify(preload)}\n`)
  try {
    const running = Bun.spawn(
      [process.execPath, 'test', `--config=${config}`, '--timeout=60000', ...contractFiles],
      {
        stdout: 'pipe',
        stderr: 'pipe',
      },
    )
    const texts = await Promise.all(
      [running.stdout, running.stderr].map((stream) => new Response(stream).text()),
    )
    const failed = [...texts.join('').matchAll(/^\(fail\) [^>]+ > (.+?) \[/gm)].map(
      ([, title]) => title as string,
    )
    return [...new Set(failed)].sort()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the contract fails by name where', () => {
  for (const [change, patch] of Object.entries(patches))
    test(change, async () => expect(await failuresWith(patch)).toEqual([...patch.fails].sort()), 300_000)
})

/** A module that has the driver's file loaded with one change, which must be possible. */
function pluginText(file: string, from: string, to: string): string {
  return `
import { plugin } from 'bun'
import { readFileSync } from 'node:fs'
plugin({
  name: 'changed driver',
  setup(build) {
    build.onLoad({ filter: /[\\\\/]postgres[\\\\/]src[\\\\/]${file.replace('.', '\\.')}$/ }, ({ path }) => {
      const parts = readFileSync(path, 'utf8').split(${JSON.stringify(from)})
      if (parts.length !== 2) throw new Error('The driver has no such place any more: change the patch.')
      return { contents: parts.join(${JSON.stringify(to)}), loader: 'js' }
    })
  },
})
`
}
