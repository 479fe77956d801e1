import { describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import {
  eventually,
  pgBouncerPrograms,
  startPgBouncer,
  startTestServer,
  type TestServer,
} from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createDatabase, type Database, type DatabaseOptions, errorCode } from '../src/index.ts'
import type { CeilingReport, CeilingTask } from './ceiling-process.ts'

type Plain = Record<string, never>

const mostMs = 240_000
/** On a small machine, which they have to share. */
const ofManyProcessesMs = 600_000

/** A server, and a way in to look at what the role of a service does there. */
interface World extends AsyncDisposable {
  readonly server: TestServer
  readonly url: string
  /** A handle as a process of its own has it: what processes share is on the server. */
  open(options?: Partial<DatabaseOptions<Plain>>): Database<Plain>
  /** Sessions of the role now, and how many of these a pool opened. */
  sessions(): Promise<{ all: number; pooled: number }>
  /** How often the server has refused a connection for want of room. */
  refusals(): Promise<number>
}

async function createWorld(maxConnections: number): Promise<World> {
  const server = await startTestServer({
    settings: { max_connections: String(maxConnections), log_line_prefix: '%e ' },
  })
  const { appUrl, adminUrl } = await server.database()
  const opened: Database<Plain>[] = []
  const observer = createDatabase({ name: 'observer', url: adminUrl, pool: { poolSize: 1, maxOverflow: 0 } })
  return {
    server,
    url: appUrl,
    open(options = {}) {
      const database = createDatabase({ name: 'scaled', url: appUrl, ...options })
      opened.push(database)
      return database
    },
    async sessions() {
      const rows = await observer.db.execute(
        sql`select count(*)::int as all, count(*) filter (where application_name = 'scaled')::int as pooled
            from pg_stat_activity where usename = ${new URL(appUrl).username}`,
      )
      return (rows as unknown as [{ all: number; pooled: number }])[0]
    },
    async refusals() {
      const log = await readFile(server.logFile, 'utf8')
      return log.split('\n').filter((line) => line.startsWith('53300 ')).length
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...opened, observer].map((database) => database.close({ timeoutMs: 500 })))
      await server[Symbol.asyncDispose]()
    },
  }
}

const sleep = (database: Database<Plain>, seconds: number) =>
  database.db.transaction((tx) => tx.execute(sql`select pg_sleep(${seconds}::float8)`))

/** Runs transactions on `callers` connections at a time, and gives back the codes of the errors. */
async function load(database: Database<Plain>, callers: number, rounds: number): Promise<(string | null)[]> {
  const errors: (string | null)[] = []
  const call = async () => {
    for (let round = 0; round < rounds; round++)
      await sleep(database, 0.01).catch((error: unknown) => errors.push(errorCode(error)))
  }
  await Promise.all(Array.from({ length: callers }, call))
  return errors
}

/** Runs rounds of transactions, on `callers` connections at a time, until it is over, and gives back the codes of the errors. */
async function busy(database: Database<Plain>, callers: number, isOver: () => boolean): Promise<unknown[]> {
  const errors: unknown[] = []
  while (!isOver()) errors.push(...(await load(database, callers, 1)))
  return errors
}

/** Has so many connections opened, each of them held until all are. */
async function openAll(database: Database<Plain>, count: number): Promise<void> {
  const release = Promise.withResolvers<void>()
  const held = Array.from({ length: count }, () => database.use(() => release.promise))
  await eventually(() => database.status().checkedOut === count)
  release.resolve()
  await Promise.all(held)
}

/** Calls `look` until `work` is over, and gives back the highest of what it said. */
async function highest(look: () => Promise<number>, work: Promise<unknown>): Promise<number> {
  let most = 0
  let isOver = false
  void work.finally(() => {
    isOver = true
  })
  while (!isOver) most = Math.max(most, await look().catch(() => 0))
  return most
}

async function startProcess(task: CeilingTask) {
  const child = Bun.spawn(
    [process.execPath, new URL('ceiling-process.ts', import.meta.url).pathname, JSON.stringify(task)],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
  )
  const report = async (): Promise<CeilingReport> => {
    let text = ''
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes('\n')) return JSON.parse(text)
    }
    throw new Error(`The process has ended with ${await child.exited} and no report.`)
  }
  return { child, report: report() }
}

describe('processes that share a ceiling', () => {
  test(
    '30 with a pool of 10 + 20 against max_connections = 100: nobody is refused by the server, and all are served',
    async () => {
      await using world = await createWorld(100)
      const task = { url: world.url, maxRoleConnections: 67, callers: 10, rounds: 4 }
      const processes = await Promise.all(Array.from({ length: 30 }, () => startProcess(task)))
      try {
        const reports = Promise.all(processes.map(({ report }) => report))
        const most = await highest(async () => (await world.sessions()).all, reports)
        expect({
          served: (await reports).map(({ served }) => served),
          errors: (await reports).flatMap(({ errors }) => errors),
          refusals: await world.refusals(),
          isBelowLimit: most < 97,
          isUsed: most > 60,
        }).toEqual({ served: Array(30).fill(40), errors: [], refusals: 0, isBelowLimit: true, isUsed: true })
        // Half of them end in order, the others as a machine ends them: the server has forgotten both.
        for (const [index, { child }] of processes.entries())
          if (index % 2) child.kill('SIGKILL')
          else child.stdin.end()
        await eventually(async () => (await world.sessions()).all === 0, { timeoutMs: 60_000 })
      } finally {
        for (const { child } of processes) child.kill('SIGKILL')
        await Promise.all(processes.map(({ child }) => child.exited))
      }
    },
    ofManyProcessesMs,
  )

  test(
    'without it the server refuses connections under the same load',
    async () => {
      await using world = await createWorld(20)
      const databases = Array.from({ length: 6 }, () =>
        world.open({ connection: { connectTimeoutMs: 1_000 }, pool: { poolSize: 10, maxOverflow: 20 } }),
      )
      await Promise.all(databases.map((database) => load(database, 10, 4)))
      expect(await world.refusals()).toBeGreaterThan(0)
    },
    mostMs,
  )

  test(
    'what one holds and does not use is given to another that wants it',
    async () => {
      await using world = await createWorld(40)
      const connection = { maxRoleConnections: 14 }
      const [first, second] = [world.open({ connection }), world.open({ connection })]
      await openAll(first, 10)
      await second.connect()
      let isOver = false
      const working = busy(second, 10, () => isOver)
      try {
        await eventually(() => second.status().total > 8, { timeoutMs: 60_000 })
      } finally {
        isOver = true
      }
      expect(await working).toEqual([])
      expect({
        first: first.status().total < 4,
        closes: first.status().counters.closes.ceiling > 6,
        all: (await world.sessions()).all <= 14,
        refusals: await world.refusals(),
      }).toEqual({ first: true, closes: true, all: true, refusals: 0 })
    },
    mostMs,
  )

  test(
    'those that want more than there is have equal parts, no matter which came first',
    async () => {
      await using world = await createWorld(40)
      const connection = { maxRoleConnections: 15 }
      const databases = Array.from({ length: 3 }, () => world.open({ connection }))
      let isOver = false
      const working: Promise<unknown[]>[] = []
      const over = Promise.withResolvers<void>()
      const most = highest(async () => (await world.sessions()).all, over.promise)
      try {
        for (const [index, database] of databases.entries()) {
          working.push(busy(database, 12, () => isOver))
          await eventually(() => database.status().total >= (index === 0 ? 12 : 2), { timeoutMs: 60_000 })
        }
        const all = { limit: 15, used: 15, processes: 3, allowance: 4, isReached: true, isOn: true }
        await eventually(
          () => expect(databases.map((database) => database.ceiling())).toEqual([all, all, all]),
          { timeoutMs: 60_000 },
        )
      } finally {
        isOver = true
        over.resolve()
      }
      const errors = (await Promise.all(working)).flat()
      // One more while the last one announces itself, when the others have all there is.
      expect({ errors, isBelow: (await most) <= 16 }).toEqual({ errors: [], isBelow: true })
    },
    mostMs,
  )

  test(
    'after a restart of the server all come back without being more than there is room for',
    async () => {
      await using world = await createWorld(40)
      const options = { connection: { maxRoleConnections: 24 }, pool: { checkoutTimeoutMs: 60_000 } }
      const databases = Array.from({ length: 10 }, () => world.open(options))
      await Promise.all(databases.map((database) => load(database, 10, 2)))
      await world.server.restart({ mode: 'immediate' })
      const all = Promise.all(databases.map((database) => load(database, 10, 4)))
      const most = await highest(async () => (await world.sessions()).all, all)
      // A statement that was under way may have been lost with the server; nobody was at one.
      expect({
        errors: (await all).flat(),
        refusals: await world.refusals(),
        isBelow: most < 37,
      }).toEqual({ errors: [], refusals: 0, isBelow: true })
    },
    mostMs,
  )

  test(
    'a process that has lost the session it announces itself by announces what it has anew',
    async () => {
      await using world = await createWorld(40)
      const connection = { maxRoleConnections: 8 }
      const [first, second] = [world.open({ connection }), world.open({ connection })]
      await load(first, 5, 2)
      await first.observe(async (side) => {
        await side.run('select pg_terminate_backend(pg_backend_pid())', [], false).catch(() => {})
      })
      expect(await load(first, 5, 2)).toEqual([])
      expect(await load(second, 5, 20)).toEqual([])
      await eventually(() => second.ceiling()?.processes === 2)
      expect({ all: (await world.sessions()).all <= 8, refusals: await world.refusals() }).toEqual({
        all: true,
        refusals: 0,
      })
    },
    mostMs,
  )

  test(
    'sessions of the role that others have opened count too, and a process without any waits for room',
    async () => {
      await using world = await createWorld(40)
      const stranger = world.open({ name: 'stranger', pool: { poolSize: 5, maxOverflow: 0 } })
      await openAll(stranger, 5)
      const connection = { maxRoleConnections: 6 }
      const impatient = world.open({ connection, pool: { checkoutTimeoutMs: 5_000 } })
      const patient = world.open({ connection })
      const roomOf = (database: Database<Plain>) => ({
        total: database.status().total,
        allowance: database.ceiling()?.allowance,
      })
      const refused = await sleep(impatient, 0).catch(errorCode)
      expect({ refused, ...roomOf(impatient) }).toEqual({
        refused: 'CHECKOUT_TIMEOUT',
        total: 0,
        allowance: 0,
      })
      await impatient.close()
      const served = load(patient, 1, 1)
      await eventually(() =>
        expect({
          ...roomOf(patient),
          used: patient.ceiling()?.used,
          waiting: patient.status().waiting,
        }).toEqual({
          total: 0,
          allowance: 0,
          used: expect.any(Number),
          waiting: 1,
        }),
      )
      await stranger.close()
      expect({ errors: await served, failures: patient.status().counters.connectFailures }).toEqual({
        errors: [],
        failures: 0,
      })
    },
    mostMs,
  )

  test.each(pgBouncerPrograms().slice(0, 1))(
    'behind a pooler there is no ceiling, and everybody is served',
    async (program) => {
      await using world = await createWorld(40)
      await using pooler = await startPgBouncer({ program, urls: [world.url] })
      const database = world.open({ url: pooler.url(world.url), connection: { maxRoleConnections: 2 } })
      // More than the ceiling at once.
      await openAll(database, 5)
      expect({ errors: await load(database, 5, 2), ceiling: database.ceiling()?.isOn }).toEqual({
        errors: [],
        ceiling: false,
      })
    },
    mostMs,
  )
})
