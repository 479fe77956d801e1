import postgres from 'postgres'
import { type ConformanceCase, createGate, type Handle, type HandleConfig, type Tools } from './case.ts'
import { type Description, describeValue } from './compare.ts'
import { drizzleOver } from './variant.ts'
import { createWorld, resetScratch, resetWorld, worldFingerprint } from './world.ts'

/** Connections of each handle. The cases need three at a time, and all are opened before the first case. */
export const connections = 4

/** A case that takes longer counts as hanging; the slowest takes about a second on a machine that has nothing else to do. */
const hangingAfterMs = 20_000

/** A handle on a database of its own, with the ways around it. */
export interface Side {
  readonly name: string
  /** True when all of a case's work goes over one leased connection. */
  readonly singleConnection: boolean
  /** The answer of a case, described; a case that hangs is an answer too, and gets a new handle for the next. */
  readonly run: (runnable: ConformanceCase) => Promise<Description>
  readonly close: () => Promise<void>
}

/** What a side is made of: a handle to lend to a case and the way to close it. */
export interface Lender {
  readonly lend: <T>(use: (handle: Handle) => Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

/** The handle that everything is compared with: Drizzle on a postgres.js client of its own, nothing set but its size. */
export function lendStock(url: string, config: HandleConfig = {}): Lender {
  const { drizzle, settings, types = {}, onNotice = () => {} } = config
  const options = { max: connections, connection: settings, types, onnotice: onNotice }
  const client = postgres(url, options as never)
  const handle = drizzleOver(client, drizzle)
  return { lend: (use) => use(handle), close: () => client.end({ timeout: 1 }) }
}

/** Prepares the database at `url` and opens a handle on it, warm, so that all sides know the same types. */
export async function openSide(options: {
  name: string
  url: string
  open: (url: string, config?: HandleConfig) => Lender
  singleConnection?: boolean
}): Promise<Side> {
  const { name, url, open, singleConnection = false } = options
  const world = await openWorld(url)
  const openAnew = () => openWarm(() => open(url), singleConnection ? 1 : connections)
  let lender = await openAnew()
  const tools: Tools = {
    ...world.tools,
    async open(config, use) {
      const other = open(url, config)
      try {
        return await other.lend(use)
      } finally {
        await other.close()
      }
    },
  }

  async function run(runnable: ConformanceCase): Promise<Description> {
    await world.reset()
    const deadline = Promise.withResolvers<'hanging'>()
    const timer = setTimeout(() => deadline.resolve('hanging'), hangingAfterMs)
    const result = await Promise.race([answer(runnable), deadline.promise])
    clearTimeout(timer)
    if (result === 'hanging') {
      await lender.close()
      await world.disconnectOthers()
      lender = await openAnew()
    }
    return { result, transactionsLeftOpen: await world.openTransactions() }
  }

  async function answer(runnable: ConformanceCase): Promise<Description> {
    try {
      return await lender.lend(async (db) => describeValue(await runnable.run(db, tools)))
    } catch (error) {
      return { caseFailed: messagesOf(error) }
    }
  }

  async function close(): Promise<void> {
    await lender.close()
    await world.close()
  }

  return { name, singleConnection, run, close }
}

function messagesOf(error: unknown): string {
  const messages: string[] = []
  for (let at = error; at !== undefined; at = at instanceof Error ? at.cause : undefined)
    messages.push(String(at))
  return messages.join(' ← ')
}

/** Opens a handle with all its connections: postgres.js learns the types that exist when it connects. */
async function openWarm(open: () => Lender, count: number): Promise<Lender> {
  const lender = open()
  await lender.lend(async (db) => {
    const all = createGate()
    let inside = 0
    const hold = (tx: Pick<Handle, 'execute'>) =>
      tx.execute('select 1').then(() => {
        if (++inside === count) all.open()
        return all.opened
      })
    await Promise.all(Array.from({ length: count }, () => db.transaction(hold)))
  })
  return lender
}

/** The shared tables of one database and what the harness does with them, on a connection of its own. */
async function openWorld(url: string) {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { lock_timeout: 10_000 } })
  await sql.unsafe(createWorld)
  const tools: Omit<Tools, 'open'> = {
    ddl: async (text) => void (await sql.unsafe(text)),
    observe: async (text) => Array.from(await sql.unsafe(text)),
  }
  async function resetAndFingerprint(reset: string): Promise<unknown> {
    const results = await sql.unsafe(`${reset}; ${worldFingerprint}`)
    return results.at(-1)?.[0]?.fingerprint
  }
  let pristine: unknown = null

  return {
    tools,
    async reset(): Promise<void> {
      if ((await resetAndFingerprint(resetScratch)) === pristine) return
      pristine = await resetAndFingerprint(resetWorld)
    },
    /** Checked after each case: a handle that leaves a transaction open has gone wrong, whatever it answered. */
    async openTransactions(): Promise<string> {
      const rows = await sql.unsafe(
        `select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
      )
      return rows.length === 0 ? 'none' : rows.map((row) => row.query).join('; ')
    },
    async disconnectOthers(): Promise<void> {
      await sql.unsafe(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()',
      )
    },
    close: () => sql.end({ timeout: 1 }),
  }
}
