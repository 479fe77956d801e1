import { spawnSync } from 'node:child_process'

/**
 * Returns the environment a service started in a folder would see: this process's, completed by the folder's
 * `.env` files.
 *
 * For tools that act for several services at once. Bun itself reads the files, in a process of its own, so that
 * order, quotes and `$` are those of the service to the letter.
 *
 * @throws {Error} The folder does not exist or Bun cannot run there.
 */
export function readFolderEnvironment(
  folder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const program = 'process.stdout.write(JSON.stringify(process.env))'
  const child = spawnSync(process.execPath, ['-e', program], {
    cwd: folder,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.error) throw child.error
  if (child.status !== 0)
    throw new Error(`The environment of ${folder} could not be read (exit code ${child.status})`)
  return JSON.parse(child.stdout.toString())
}
