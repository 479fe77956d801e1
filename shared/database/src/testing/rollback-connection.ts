import { ConfigurationError } from '@shared/pool'
import type { CopyExchange } from '../connection/copy-exchange.ts'
import type { RunOptions, SqlConnection } from '../connection/sql-connection.ts'
import type { Rows, Statement } from '../connection/statement.ts'
import { localSettings } from '../session/local-settings.ts'

// DISCARD ALL without what can't run inside a transaction, or is of no use in it.
const discardText =
  'close all; set session authorization default; reset role; reset all; select pg_advisory_unlock_all(); discard temp; discard sequences'

/** What the server refuses inside a transaction, or what has no effect before COMMIT. */
const needsCommit =
  /^\s*(listen|vacuum|checkpoint|alter\s+system|(?:create|drop)\s+(?:database|tablespace)|(?:create|drop|reindex)\b.*\bconcurrently)\b/is

/**
 * Makes a connection whose transaction is never committed: what its users take for transactions and statements of their own are
 * savepoints of it. It ends with the connection, and all that was done is undone then.
 */
export async function inTransaction(connection: SqlConnection): Promise<SqlConnection> {
  await connection.run('begin', [], false)
  const savepoints = new Savepoints(connection)
  const own: Partial<SqlConnection> = {
    run: (statement, parameters, values, options) => savepoints.run(statement, parameters, values, options),
    copy: (text) => savepoints.copy(text),
    async reset(how) {
      if (how === 'discard') await connection.run(discardText, [], true)
    },
    // A setting that is changed, or a plan that is stale, is no reason to give the transaction up.
    shouldReplace: false,
    hasOtherSettings: false,
  }
  return overlaid(connection, own)
}

/** The object with some of its members replaced; these can be replaced again, as by who adds a hook. */
export function overlaid<T extends object>(object: T, own: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(own, name) ? own : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(Object.hasOwn(own, name) ? own : target, name, value),
  })
}

/** BEGIN, COMMIT and ROLLBACK of a connection's users, inside the one transaction there is. */
class Savepoints {
  readonly #connection: SqlConnection
  #count = 0
  /** The savepoint that stands for a transaction of the holder's; null outside of one. */
  #transaction: string | null = null
  /** What settings for the time of the holder's transaction were before, by their names. */
  #settings = new Map<string, Promise<unknown>>()
  /** Statements outside of one run one after the other: each has a savepoint for itself. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: SqlConnection) {
    this.#connection = connection
  }

  async run(
    statement: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    options: RunOptions = {},
  ): Promise<Rows> {
    const text = typeof statement === 'string' ? statement : statement.text
    const [named] = needsCommit.exec(text) ?? []
    if (named) throw refused(named.trim().toUpperCase())
    const { begin, ...rest } = options
    if (begin !== undefined) await this.#begin(begin)
    if (typeof statement === 'string') {
      if (/^begin\b/.test(text)) return await this.#begin(text)
      if (text === 'commit') return await this.#commit()
      if (text === 'rollback') return await this.#rollback()
    }
    const isLocal = typeof statement !== 'string' && statement.kind === 'local'
    const run = () => {
      if (isLocal) this.#keepSettings(localSettings(text, parameters))
      return this.#connection.run(statement, parameters, values, { mode: 'transaction', ...rest })
    }
    if (this.#transaction !== null) return await run()
    const answer = this.#turn.then(() => this.#alone(run))
    this.#turn = answer.catch(() => {})
    return await answer
  }

  /** A COPY that fails must not take the transaction with it. */
  async copy(text: string): Promise<CopyExchange> {
    const name = await this.#open()
    let isOver = false
    const over = async (end: () => Promise<void>) => {
      if (isOver || this.#connection.lost) return
      isOver = true
      await end()
    }
    const undo = () => over(() => this.#undo(name))
    const keep = () => over(() => this.#send(`release ${name}`))
    let copy: CopyExchange
    try {
      copy = await this.#connection.copy(text)
    } catch (error) {
      await undo()
      throw error
    }
    return overlaid(copy, {
      async end() {
        const rows = await copy.end()
        await keep()
        return rows
      },
      async read() {
        const bytes = await copy.read()
        if (bytes === null) await keep()
        return bytes
      },
      async abandon() {
        // Ending it on the server would end the connection, and what the test has written.
        if (copy.direction === 'out') while (!copy.isOver && (await copy.read()) !== null);
        else await copy.abandon()
        await undo()
      },
    })
  }

  /** One that fails must not take the transaction with it. */
  async #alone(run: () => Promise<Rows>): Promise<Rows> {
    const name = await this.#open()
    try {
      const rows = await run()
      await this.#release(name)
      return rows
    } catch (error) {
      if (!this.#connection.lost) await this.#undo(name)
      throw error
    }
  }

  async #begin(text: string): Promise<Rows> {
    const [, level] =
      /isolation level (read committed|repeatable read|serializable|read uncommitted)/i.exec(text) ?? []
    if (level && level.toLowerCase() !== 'read committed')
      throw refused(`A transaction with isolation level ${level}`)
    const name = await this.#open()
    this.#transaction = name
    if (/\bread only\b/i.test(text)) await this.#send('set transaction read only')
    return answerOf('BEGIN')
  }

  async #commit(): Promise<Rows> {
    const name = this.#transaction
    this.#transaction = null
    if (name === null) return answerOf('COMMIT')
    try {
      await this.#release(name)
      await this.#send('close all')
      return answerOf('COMMIT')
    } catch (error) {
      if (this.#connection.lost) throw error
      // As COMMIT does when a statement has failed.
      await this.#undo(name)
      return answerOf('ROLLBACK')
    }
  }

  async #rollback(): Promise<Rows> {
    const name = this.#transaction
    this.#transaction = null
    if (name !== null) await this.#undo(name)
    return answerOf('ROLLBACK')
  }

  async #open(): Promise<string> {
    const name = `test_${++this.#count}`
    await this.#send(`savepoint ${name}`)
    return name
  }

  /** Keeps what was done since, but for settings: those were for the time of a transaction. */
  async #release(name: string): Promise<void> {
    const settings = [...this.#settings]
    this.#settings.clear()
    await this.#send(`release ${name}`)
    for (const [setting, value] of settings) {
      const before = await value
      // A name of one's own has been one since it was first set, and is empty then.
      if (typeof before === 'string' || setting.includes('.'))
        await this.#connection.run('select set_config($1, $2, true)', [setting, before ?? ''], true)
    }
  }

  /** Asks what settings are before a statement that is sent behind. */
  #keepSettings(names: readonly (string | null)[]): void {
    for (const name of names) {
      if (name === null || this.#settings.has(name)) continue
      const asked = this.#connection.run('select current_setting($1, true)', [name], true)
      const value = asked.then(([row]) => (row as readonly unknown[] | undefined)?.[0])
      this.#settings.set(
        name,
        value.catch(() => null),
      )
    }
  }

  async #undo(name: string): Promise<void> {
    this.#settings.clear()
    await this.#send(`rollback to ${name}`)
    await this.#send(`release ${name}`)
  }

  async #send(text: string): Promise<void> {
    await this.#connection.run(text, [], true)
  }
}

const answerOf = (command: string): Rows => Object.assign([], { command })

function refused(what: string): ConfigurationError {
  return new ConfigurationError(
    `${what} can't be had inside a transaction that is rolled back. Test this with createTestDatabase(), on a database of its own.`,
  )
}
