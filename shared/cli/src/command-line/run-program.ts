/** Set for a second process of this CLI, whose parent is the first and only waits for it. */
export const runAgainVariable = 'CLI_RUN_AGAIN'

/**
 * Runs a TypeScript program in a process of its own, forwards signals to it and returns its exit code.
 *
 * @param environment Added to this process's environment.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = Bun.spawn([process.execPath, program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return await child.exited
}

/** Runs this command again in a new process and returns its exit code. */
export function runAgain(entry: string): Promise<number> {
  return runProgram(entry, process.argv.slice(2), { [runAgainVariable]: '1' })
}
