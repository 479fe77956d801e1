import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandError } from '../command-line/errors.ts'
import type { Plan } from './plan.ts'

/**
 * Writes the service of a plan, installs and formats it; after a failure or a stop everything is as it was before.
 *
 * @throws {CommandError} It was stopped, a program failed, a file changed after the plan was made, or a folder exists.
 */
export async function makeService(plan: Plan, signal?: AbortSignal): Promise<void> {
  const { root, folders, created, changed, touched } = plan
  const undo: (() => void)[] = []
  try {
    for (const path of [...changed.map((file) => file.path), ...touched]) {
      const old = readFileSync(join(root, path))
      undo.push(() => writeFileSync(join(root, path), old))
    }
    for (const folder of folders) {
      makeFolder(join(root, folder), folder)
      undo.push(() => rmSync(join(root, folder), { recursive: true, force: true }))
    }
    for (const { path, text } of created) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text, { flag: 'wx' })
    }
    for (const { path, before, text } of changed) {
      if (readFileSync(join(root, path), 'utf8') !== before)
        throw new CommandError(`${path} changed at this moment: try again.`)
      writeFileSync(join(root, path), text)
    }
    await installAndFormat(plan, signal)
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

/** Making it is also the claim: of two commands at once, one fails here. */
function makeFolder(path: string, name: string): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true })
  try {
    mkdirSync(path)
  } catch (cause) {
    throw new CommandError(`the folder ${name} cannot be made.`, { cause })
  }
}

async function installAndFormat({ root, folders, changed }: Plan, signal?: AbortSignal): Promise<void> {
  await run(root, ['install'], signal)
  // How a line is broken depends on the length of the name, and a list on how many are in it.
  const formatted = [...folders, ...changed.map(({ path }) => path).filter((path) => /\.ya?ml$/.test(path))]
  await run(root, ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', ...formatted], signal)
}

async function run(root: string, words: readonly string[], signal?: AbortSignal): Promise<void> {
  const stopped = () => new CommandError('stopped; nothing was left behind.', { exitCode: 130 })
  if (signal?.aborted) throw stopped()
  const child = Bun.spawn([process.execPath, ...words], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    signal,
  })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (signal?.aborted) throw stopped()
  if (exitCode === 0) return
  throw new CommandError(
    `bun ${words.slice(0, 2).join(' ')} failed; nothing was left behind.\n${`${out}${err}`.trim()}`,
  )
}
