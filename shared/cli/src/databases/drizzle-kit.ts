import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '../command-line/errors.ts'

/**
 * Runs drizzle-kit with a schema's own config, on this terminal, and returns its exit code.
 *
 * @throws {CommandError} It is not installed.
 */
export function runDrizzleKit(
  schemaFolder: string,
  [command = '', ...options]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const program = join(schemaFolder, 'node_modules/drizzle-kit/bin.cjs')
  if (!existsSync(program)) throw new CommandError('drizzle-kit is not installed: run bun install.')
  // Paths in drizzle.config.ts count from the working directory.
  const child = Bun.spawn(
    [process.execPath, '--no-orphans', program, command, '--config=drizzle.config.ts', ...options],
    {
      cwd: schemaFolder,
      env: { ...process.env, ...environment },
      stdio: ['inherit', 'inherit', 'inherit'],
    },
  )
  return child.exited
}
