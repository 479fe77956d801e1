import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Longer means that drizzle-kit waits for something: nobody is there to answer. */
const longestMs = 60_000

/**
 * Whether a schema says something else than its newest migration, so that db:generate would write one. Looked at in a process of
 * its own, as modules that this one has loaded would stay what they were.
 *
 * @param signal Ends the process.
 * @returns null where that cannot be said: the schema does not compile.
 */
export async function hasUngenerated(schemaFolder: string, signal: AbortSignal): Promise<boolean | null> {
  const child = Bun.spawn([process.execPath, '--no-orphans', '-e', program], {
    cwd: schemaFolder,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: longestMs,
    signal,
    killSignal: 'SIGKILL',
  })
  const [output, exitCode] = await Promise.all([child.stdout.text(), child.exited])
  if (exitCode !== 0) return null
  return !Bun.deepEquals(comparable(JSON.parse(output)), comparable(await newestSnapshot(schemaFolder)))
}

const program = `
const { generateDrizzleJson } = require('drizzle-kit/api')
process.stdout.write(JSON.stringify(generateDrizzleJson(await import(process.cwd() + '/schema.ts'))))`

async function newestSnapshot(schemaFolder: string): Promise<unknown> {
  const folder = join(schemaFolder, 'migrations/meta')
  if (!existsSync(join(folder, '_journal.json'))) return {}
  const { entries }: { entries: { idx: number }[] } = await Bun.file(join(folder, '_journal.json')).json()
  const newest = String(entries.at(-1)?.idx ?? 0).padStart(4, '0')
  return await Bun.file(join(folder, `${newest}_snapshot.json`)).json()
}

/** All but what is different in every snapshot: ids, and what was renamed by that migration. */
function comparable(snapshot: unknown): unknown {
  const { id, prevId, _meta, ...rest } = snapshot as Record<string, unknown>
  return rest
}
