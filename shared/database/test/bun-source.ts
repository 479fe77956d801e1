import { ConnectError, type ResetMode } from '@shared/pool'
import { type ReservedSQL, SQL } from 'bun'
import type { CreateSource, RunOptions, SqlConnection } from '../src/connection/sql-connection.ts'
import type { Rows, Statement } from '../src/connection/statement.ts'
import type { Host, Target } from '../src/connection/target.ts'
import { ConnectionLostError } from '../src/errors.ts'

/** The least that the layer needs of a driver: connections of Bun.SQL, one statement at a time on each. */
export const createBunSource: CreateSource = (target) => {
  const connections = new Set<BunConnection>()
  return {
    async open({ host = target.hosts[0], onLost }) {
      const sql = new SQL(clientOptions(target, onLost))
      try {
        const reserved = await sql.reserve()
        const [{ pid }] = await reserved.unsafe('select pg_backend_pid() as pid')
        const connection = new BunConnection(sql, reserved, pid, host)
        connections.add(connection)
        return connection
      } catch (error) {
        await sql.close()
        const cause = asServerError(error)
        throw new ConnectError('Bun.SQL could not connect.', {
          cause,
          sqlState: (cause as { code?: string }).code,
        })
      }
    },
    clientOptions: { parsers: {}, serializers: {} },
    isPipelinable: () => true,
    get isInUse() {
      return connections.size > 0
    },
    firstSnapshot: null,
    definitionsChanged: () => {},
    learnTypes: async () => {},
    holdPlans: () => {},
    async answered() {
      await Promise.all(Array.from(connections, (connection) => connection.answered()))
    },
    pooler: null,
    settleStranded: () => 0,
  }
}

class BunConnection implements SqlConnection {
  readonly pid: number
  readonly host: Host
  inFlight = 0
  spokeAt = performance.now()
  lost = false
  shouldReplace = false
  readonly sharable = false
  readonly isClear = true
  readonly role = null
  readonly backendStartedAt = null
  readonly bytesRead = 0
  readonly hasOtherSettings = false
  readonly #sql: SQL
  readonly #connection: ReservedSQL
  #answered: Promise<unknown> = Promise.resolve()

  constructor(sql: SQL, connection: ReservedSQL, pid: number, host: Host) {
    this.host = host
    this.#sql = sql
    this.#connection = connection
    this.pid = pid
  }

  run(
    statement: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    options: RunOptions = {},
  ): Promise<Rows> {
    const answer = this.#run(statement, parameters, values, options)
    this.#answered = Promise.allSettled([this.#answered, answer])
    return answer
  }

  async answered(): Promise<void> {
    await this.#answered
  }

  async #run(
    statement: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    { begin, ticket }: RunOptions,
  ): Promise<Rows> {
    if (this.lost || ticket?.isCancelled) throw new ConnectionLostError('not-sent')
    if (ticket) ticket.position = 1
    this.inFlight++
    try {
      if (begin !== undefined) await this.#connection.unsafe(begin)
      const text = typeof statement === 'string' ? statement : statement.text
      const query = this.#connection.unsafe(text, [...parameters])
      return await (values ? query.values() : query)
    } catch (error) {
      if (!(error instanceof SQL.PostgresError) || error.errno) throw asServerError(error)
      throw new ConnectionLostError('unknown', { cause: error })
    } finally {
      this.inFlight--
      this.spokeAt = performance.now()
    }
  }

  async ping(): Promise<void> {
    await this.run('select 1', [], true)
  }

  async reset(how: ResetMode): Promise<void> {
    await this.run('rollback', [], true)
    if (how === 'discard') await this.run('discard all', [], true)
  }

  async close(): Promise<void> {
    this.lost = true
    this.#connection.release()
    await this.#sql.close()
  }

  destroy(): Promise<void> {
    return this.close()
  }

  /** It has no request to cancel: the connection goes, and the statement with it. */
  cancel(): Promise<void> {
    return this.destroy()
  }

  giveUp(): void {
    void this.destroy()
  }

  retire(): void {
    this.shouldReplace = true
  }

  retirePlans(): void {
    this.retire()
  }

  copy = async (): Promise<never> => {
    throw new Error('Bun.SQL has no COPY.')
  }
  cancelled = async (): Promise<void> => {}
  preempt = () => null
  failureOf = () => undefined
  confirmStale = async (): Promise<boolean> => false
  silentForMs = () => 0
  workedForMs = () => 0
}

function clientOptions(target: Target, onLost: (cause: unknown) => void = () => {}): SQL.Options {
  const { database, user, password } = target
  const [host] = target.hosts
  return {
    adapter: 'postgres',
    hostname: host.name,
    port: host.port,
    database,
    username: user,
    password,
    max: 1,
    onclose: onLost,
  }
}

/** Bun.SQL has the SQLSTATE in `errno`. */
function asServerError(error: unknown): unknown {
  if (!(error instanceof SQL.PostgresError) || !error.errno) return error
  const { errno: code, severity, constraint } = error
  return Object.assign(new Error(error.message, { cause: error }), { code, severity, constraint })
}
