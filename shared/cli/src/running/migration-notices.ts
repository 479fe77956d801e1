import { type FSWatcher, watch } from 'node:fs'
import { explainError } from '../command-line/explain-error.ts'
import { pendingNames, pendingNotice } from '../databases/migration-table.ts'
import { migrateService, statusOfMigrations } from '../databases/migrations.ts'
import { hasUngenerated } from '../databases/schema-drift.ts'
import { paint } from '../terminal/paint.ts'
import type { ServiceSetup } from '../workspace/service-environment.ts'
import { readKeys } from './keys.ts'

/** How {@link watchMigrations} watches. */
export interface MigrationWatchOptions {
  /** Whether to look again when a schema or a migration changes. */
  readonly watch: boolean
  /** Whether to apply what is pending instead of saying so. */
  readonly migrateExternal: boolean
  readonly signal: AbortSignal
}

/** drizzle-kit writes three files. */
const settleMs = 200

/**
 * Says which services have a migration pending, and which a schema without one; applies them when m is pressed, or at once where
 * that is asked for. A service notices by itself when it was migrated.
 */
export function watchMigrations(
  setups: readonly ServiceSetup[],
  { watch: isWatching, migrateExternal, signal }: MigrationWatchOptions,
): Disposable {
  const pending = new Map<string, { setup: ServiceSetup; names: string }>()
  let queue: Promise<void> = Promise.resolve()

  const apply = async (setup: ServiceSetup): Promise<void> => {
    try {
      await migrateService(setup, console.log)
      pending.delete(setup.service.service)
    } catch (error) {
      console.error(`${setup.service.service}: ${explainError(error).message}`)
    }
  }
  const look = async (setup: ServiceSetup, schemaChanged: boolean): Promise<void> => {
    const { service, schemaFolder } = setup.service
    // A server that is down is for the service to report.
    const status = await statusOfMigrations(setup).catch(() => null)
    if (status === null || signal.aborted) return
    const notice = pendingNotice(service, status)
    if (notice === null) {
      pending.delete(service)
      if (schemaChanged && (await hasUngenerated(schemaFolder, signal)) === true && !signal.aborted)
        say(`${service}: the schema has changes without a migration: bun run db:generate ${service}`)
    } else if (migrateExternal) {
      await apply(setup)
    } else {
      // Another program may have applied those that were pending before.
      const names = pendingNames(status).join()
      if (pending.get(service)?.names === names) return
      pending.set(service, { setup, names })
      say(`${notice} (or press m and Enter here)`)
      keys.start()
    }
  }
  const later = (work: () => Promise<void>): void => {
    queue = queue.then(() => (signal.aborted ? undefined : work()))
  }
  const keys = readKeys((key) => {
    if (key !== 'm') return
    for (const { setup } of pending.values()) later(() => apply(setup))
  })
  const watchers = isWatching
    ? setups.flatMap((setup) => watchSchema(setup, (changed) => later(() => look(setup, changed))))
    : []
  // The others were migrated a moment ago.
  for (const setup of setups.filter(({ external }) => external)) later(() => look(setup, false))
  return {
    [Symbol.dispose]() {
      keys.stop()
      for (const watcher of watchers) watcher.close()
    },
  }
}

const say = (text: string): void => console.log(paint('yellow', text))

/** Reports when a schema or its migrations have changed; nothing where the system allows no more watches. */
function watchSchema({ service }: ServiceSetup, onChange: (schemaChanged: boolean) => void): FSWatcher[] {
  let timer: ReturnType<typeof setTimeout> | undefined
  let schemaChanged = false
  try {
    const watcher = watch(
      service.schemaFolder,
      { recursive: true },
      (_event, file: string | null | undefined) => {
        if (!file || !/^[^/\\]+\.ts$|^migrations[/\\]/.test(file)) return
        schemaChanged ||= file.endsWith('.ts')
        clearTimeout(timer)
        timer = setTimeout(() => {
          onChange(schemaChanged)
          schemaChanged = false
        }, settleMs)
      },
    )
    watcher.on('error', () => undefined)
    watcher.on('close', () => clearTimeout(timer))
    return [watcher]
  } catch {
    return []
  }
}
