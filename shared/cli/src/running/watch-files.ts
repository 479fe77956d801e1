import { existsSync, type FSWatcher, watch } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { repositoryRoot } from '../workspace/packages.ts'
import type { Service } from '../workspace/services.ts'

/** What changed, for which services; paths are from the repository's root. */
export type OnChange = (services: readonly string[], path: string) => void

// An editor's save is several events, a git checkout a burst of them.
const settleMs = 100

/** Runs what is due once no more events are expected, unless it is cancelled before by the function returned. */
export type Later = (due: () => void) => () => void

const onceSettled: Later = (due) => {
  const timer = setTimeout(due, settleMs)
  return () => clearTimeout(timer)
}

/**
 * Watches the folders that the services' code and settings come from; tests and generated files do not count.
 *
 * Not `bun --watch`: that cuts requests in flight, does not see `.env` files, and ends when the service exits, so that
 * fixing the file would not start it again.
 *
 * @param later When a burst of events is over. Default: some 100 ms after the last one.
 * @throws {Error} The system allows no more watches.
 */
export function watchFiles(
  services: readonly Service[],
  onChange: OnChange,
  later: Later = onceSettled,
): Disposable {
  const pending = new Set<string>()
  let first = ''
  let cancel = (): void => {}
  const flush = (): void => {
    const names = [...pending]
    pending.clear()
    onChange(names, first)
  }
  const watchers: FSWatcher[] = []
  const close = (): void => {
    cancel()
    for (const watcher of watchers) watcher.close()
  }
  try {
    for (const folder of new Set(services.flatMap(({ sourceFolders }) => sourceFolders))) {
      const users = services.filter(({ sourceFolders }) => sourceFolders.includes(folder))
      const watcher = watch(folder, { recursive: true }, (_event, file: string | null | undefined) => {
        // The event of the removed folder itself names no file.
        if (file ? !matters(file) : existsSync(folder)) return
        if (pending.size === 0) first = relative(repositoryRoot, join(folder, file ?? ''))
        for (const { service } of users) pending.add(service)
        cancel()
        cancel = later(flush)
      })
      // A removed folder is no reason to end: the next restart reports what is missing.
      watcher.on('error', () => undefined)
      watchers.push(watcher)
    }
  } catch (error) {
    close()
    throw error
  }
  return { [Symbol.dispose]: close }
}

/** The list of migrations: with it a service knows what its database must have. */
const journal = join('migrations', 'meta', '_journal.json')

/** Whether a change of this file, named from its package's folder, can change what a service does. */
export function matters(file: string): boolean {
  if (file === journal) return true
  const parts = file.split(sep)
  const name = parts.at(-1) ?? ''
  if (parts.some((part) => ['node_modules', 'test', 'bench', 'testing', 'migrations'].includes(part)))
    return false
  if (/\.(test|bench)\.tsx?$/.test(name) || name === '.env.example') return false
  return /\.(tsx?|json)$/.test(name) || name.startsWith('.env')
}
