/** Runs a TypeScript program in a process of its own, hands signals on to it and returns its exit code. */
export async function runProgram(program: string, args: readonly string[]): Promise<number> {
  const child = Bun.spawn([process.execPath, program, ...args], { stdio: ['inherit', 'inherit', 'inherit'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return await child.exited
}
