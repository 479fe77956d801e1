import { paint } from '../terminal/paint.ts'
import { repositoryRoot } from '../workspace/packages.ts'
import { checkBoundaries } from './boundaries.ts'

// The connection layer supports two versions of drizzle-orm: this project resolves the one the workspace does not use.
const drizzle1Project = 'shared/database/tsconfig.drizzle-1.json'
// What runs in a browser has the browser's types, and not Bun's.
const browserProject = 'shared/console/src/browser'

const fixable = 'lint and format'

interface Result {
  readonly ok: boolean
  readonly output: string
}

/** Runs every check side by side, prints a line for each and the output of those that failed; returns the exit code. */
export async function runChecks({ fix }: { fix: boolean }): Promise<number> {
  // A type error that biome fixes must not be reported.
  const formatted = lint(fix)
  if (fix) await formatted
  const checks: Record<string, Promise<Result>> = {
    types: run('check', '--no-script', '-p', '.', showsPretty()),
    'types in the browser': run('check', '--no-script', '-p', browserProject, showsPretty()),
    'types with drizzle-orm 1.0': run('check', '--no-script', '-p', drizzle1Project, showsPretty()),
    [fixable]: formatted,
    imports: imports(),
  }
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const startedAt = performance.now()
      const result = await check
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      console.log(`${result.ok ? paint('green', '✓') : paint('red', '✗')} ${name} (${seconds} s)`)
      return { name, ...result }
    }),
  )
  for (const { name, output } of results.filter(({ ok }) => !ok)) console.log(`\n${name}:\n${output}`)
  const isFixable = results.some(
    ({ name, ok, output }) => name === fixable && !ok && /FIXABLE|Formatter would/.test(output),
  )
  if (isFixable && !fix)
    console.log('\nbun run check --fix repairs format and imports, and lint where that is safe.')
  return results.every(({ ok }) => ok) ? 0 : 1
}

const showsPretty = (): string => (process.stdout.isTTY ? '--pretty=true' : '--no-pretty')

function lint(fix: boolean): Promise<Result> {
  // Run by Bun itself: the program's first line needs Node.js, which may not be installed.
  const biome = 'node_modules/@biomejs/biome/bin/biome'
  return run(biome, 'check', ...(fix ? ['--write'] : []))
}

async function imports(): Promise<Result> {
  const findings = checkBoundaries(repositoryRoot)
  return { ok: findings.length === 0, output: findings.join('\n') }
}

async function run(...args: string[]): Promise<Result> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: repositoryRoot,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { ok: exitCode === 0, output: `${out}${err}`.trim() }
}
