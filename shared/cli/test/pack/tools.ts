import { shellEnvironment } from '../command-line.ts'

/** What a program or a tool did. */
export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What `runTool` takes. */
export interface ToolOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
  /** After which it is ended, with all that it has started. */
  readonly limitMs: number
}

/** Process groups of tools that run now. */
const running = new Set<number>()

/**
 * Runs a program to its end, in a process group of its own: compilers and package managers start programs that would stay when they
 * alone are ended.
 *
 * @throws {Error} with what it printed, when it takes longer than it may.
 */
export async function runTool(
  command: readonly string[],
  { cwd, environment = {}, limitMs }: ToolOptions,
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd,
    env: shellEnvironment({ ...registry(), ...environment }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
  running.add(child.pid)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    endGroup(child.pid)
  }, limitMs)
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  clearTimeout(timer)
  running.delete(child.pid)
  if (isLate) throw new Error(`${command.join(' ')} took longer than ${limitMs} ms:\n${stdout}${stderr}`)
  return { exitCode, stdout, stderr }
}

/** Ends what still runs: of a test that has exceeded its own limit. */
export function endTools(): void {
  for (const group of running) endGroup(group)
}

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    // All of it has ended meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Where the machine's own settings have packages come from. */
function registry(): Record<string, string> {
  const names = Object.keys(process.env).filter((name) =>
    /^(?:npm_config_|bun_config_|https?_proxy$|no_proxy$|node_extra_ca_certs$|ssl_cert_file$)/i.test(name),
  )
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']))
}
