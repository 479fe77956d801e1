import { ConfigurationError, type PoolStatus, shownValue } from '@shared/pool'
import type { SideConnection } from './connection/side-connection.ts'

/**
 * A module's `import.meta`. Each time the module's code runs it is another object with the same `url`: that is what tells a
 * reload from a second database of the same module.
 */
export interface ModuleMeta {
  readonly url: string
}

/** A database that another one may come in place of. */
export interface Replaceable {
  readonly database: {
    status(): PoolStatus
    replicas(): readonly { readonly pool: PoolStatus }[]
    invalidate(): void
    close(): Promise<void>
  }
  /** Its connection outside the pool. */
  readonly side: Pick<SideConnection, 'giveBack' | 'isClosed'>
  readonly listening: { endAll(): void }
}

/** The databases that a module has made in its last run. */
interface LastRun {
  readonly meta: ModuleMeta
  readonly databases: Set<Replaceable>
}

// On globalThis, because a reload may run the modules of this package again.
const registryKey = Symbol.for('@shared/database: databases by module')

// A request that was under way may do something else for half a minute between two statements.
const usualPace = { lookMs: 250, quietMs: 30_000 }

/** @throws {ConfigurationError} when it is no `import.meta`: `import.meta.hot` is not one. */
export function checkModuleMeta(given: unknown): void {
  if (given === undefined || typeof (given as ModuleMeta | null)?.url === 'string') return
  throw new ConfigurationError(
    `Option hot must be import.meta of the module that makes the database, got ${shownValue(given)}.`,
  )
}

/**
 * Remembers a database as one of its module. Those that the module had made when its code ran before are retired: they keep no
 * connection that nobody uses, and are closed when nobody has used them for half a minute. What is under way on them goes on, but for
 * subscriptions of `listen()`: the module has made them again, and a handler of before would go on for as long as there is news.
 *
 * @param pace How often in ms a retired one is looked at, and for how long nobody must have used it.
 */
export function replaceOnReload(meta: ModuleMeta, made: Replaceable, pace = usualPace): void {
  const runs = registry()
  let run = runs.get(meta.url)
  if (run?.meta !== meta) {
    for (const before of run?.databases ?? []) retire(before, pace)
    run = { meta, databases: new Set() }
    runs.set(meta.url, run)
  }
  for (const other of run.databases) if (other.side.isClosed) run.databases.delete(other)
  run.databases.add(made)
}

function registry(): Map<string, LastRun> {
  const globals = globalThis as { [registryKey]?: Map<string, LastRun> }
  globals[registryKey] ??= new Map()
  return globals[registryKey]
}

function retire({ database, side, listening }: Replaceable, { lookMs, quietMs }: typeof usualPace): void {
  let uses = -1
  let quietSince = performance.now()
  const timer = setInterval(look, lookMs)
  timer.unref()
  database.invalidate()
  look()

  function look(): void {
    const pools = [database.status(), ...database.replicas().map(({ pool }) => pool)]
    const isInUse = pools.some(({ checkedOut, waiting }) => checkedOut + waiting > 0)
    const usesNow = pools.reduce((sum, { counters }) => sum + counters.checkouts, 0)
    if (isInUse || usesNow !== uses) quietSince = performance.now()
    uses = usesNow
    if (pools.some(({ idle }) => idle > 0)) database.invalidate()
    listening.endAll()
    if (!isInUse) side.giveBack()
    if (!side.isClosed && performance.now() - quietSince < quietMs) return
    clearInterval(timer)
    void database.close()
  }
}
