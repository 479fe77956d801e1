/** Tells the second process that its parent is the first, and only waits for it. */
export const runAgainVariable = 'CLI_RUN_AGAIN'

/** Runs this command line again in a process of its own, hands signals on, and returns its exit code. */
export async function runAgain(entry: string): Promise<number> {
  const child = Bun.spawn([process.execPath, entry, ...process.argv.slice(2)], {
    env: { ...process.env, [runAgainVariable]: '1' },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return await child.exited
}
