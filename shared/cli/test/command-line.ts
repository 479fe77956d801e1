import { repositoryRoot } from '../src/workspace/packages.ts'

/** What a command line did. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const entry = `${repositoryRoot}/shared/cli/bin.ts`

/** The environment of a person's shell, without what the test run adds. */
export function shellEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...extra }
}

/** Starts the CLI in a process group of its own, as a terminal does. */
export function startCli(args: readonly string[], environment: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, entry, ...args], {
    cwd: repositoryRoot,
    env: shellEnvironment(environment),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
}

/** Runs the CLI to its end. */
export async function runCli(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const child = startCli(args, environment)
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { exitCode, stdout, stderr }
}
