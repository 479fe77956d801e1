import { bounded, type ResetMode } from '@shared/pool'
import { readPassword } from '../password.ts'
import type { Failure, RunOptions, SqlConnection, Ticket } from '../sql-connection.ts'
import type { Rows, Statement } from '../statement.ts'
import { type TlsSettings, tlsSettings } from '../tls.ts'
import { arrayTypesText } from './array-types.ts'
import { cancelBackend } from './cancel.ts'
import { createClient, type DriverSource, learnArrayTypes } from './driver.ts'
import type { Driver } from './driver-query.ts'
import { Pipeline } from './pipeline.ts'
import { keepsTrack } from './pooler-probe.ts'
import { ReportedSettings } from './reported-settings.ts'
import { Wire } from './wire.ts'

const identityText =
  'select pg_backend_pid() as pid, (select backend_start::text from pg_stat_get_activity(pg_backend_pid())) as "startedAt"'

const snapshotText = 'select pg_current_snapshot()::text as snapshot'

const closeMs = 1_000

// DISCARD ALL without DEALLOCATE ALL, which would remove the statements that the driver believes are prepared: those
// that a caller has prepared in SQL go one by one.
const discardText =
  'ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); ' +
  'DISCARD TEMP; DISCARD SEQUENCES; ' +
  "DO $$ DECLARE p text; BEGIN FOR p IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LOOP EXECUTE 'DEALLOCATE ' || pg_catalog.quote_ident(p); END LOOP; END $$"

/** What the login has set and RESET ALL removes behind a pooler: there it restores what the pooler's own login has set. */
const loginSettings = (applicationName: string): string =>
  `; SET client_encoding = 'UTF8'; SET application_name = '${applicationName.replaceAll("'", "''")}'`

/** One physical connection, one life: a postgres.js client that connects once and never again. */
export class PostgresConnection implements SqlConnection {
  readonly #source: DriverSource
  readonly #onLost: (cause: unknown) => void
  readonly #pipeline: Pipeline
  readonly #settings = new ReportedSettings()
  /** Rejects when the connection is gone, which the driver does not learn. */
  readonly #gone = Promise.withResolvers<never>()
  #tls: TlsSettings | null = null
  #wire: Wire | null = null
  #backend: { pid: number; secret: number } | null = null
  #isPooled = false
  #backendStartedAt: string | null = null
  #ending: Promise<void> | null = null
  #isRetired = false

  constructor(source: DriverSource, onLost: (cause: unknown) => void) {
    this.#source = source
    this.#onLost = onLost
    this.#gone.promise.catch(() => {})
    this.#pipeline = new Pipeline({
      source,
      askToCancel: () => this.#askToCancel(),
      onLost: (cause) => this.#lose(cause),
    })
  }

  get pid(): number {
    return this.#backend?.pid ?? 0
  }

  get inFlight(): number {
    return this.#pipeline.inFlight
  }

  get spokeAt(): number {
    return this.#pipeline.spokeAt
  }

  get lost(): boolean {
    return this.#pipeline.lost
  }

  get shouldReplace(): boolean {
    return this.#pipeline.shouldReplace || this.#isRetired || this.hasOtherSettings
  }

  retire(): void {
    this.#isRetired = true
  }

  get hasOtherSettings(): boolean {
    return this.#settings.haveChanged
  }

  get isClear(): boolean {
    return this.#pipeline.isClear
  }

  get sharable(): boolean {
    return this.#pipeline.sharable
  }

  failureOf(error: unknown): Failure | undefined {
    return this.#pipeline.failureOf(error)
  }

  /** Connects and waits for the first answer. Called once. */
  async open(): Promise<void> {
    const { target, options } = this.#source
    const [tls, password] = await Promise.all([tlsSettings(target, options), readPassword(target)])
    // Given up while the files were read.
    if (this.#ending) throw closedByUs()
    this.#tls = tls
    const wire = new Wire(target, tls, (cause) => this.#lose(cause ?? closedByServer()))
    this.#wire = wire
    await wire.opened
    const client = createClient(this.#source, {
      password,
      socket: () => wire.asSocket(),
      onSetting: (name, value) => this.#settings.note(name, value),
    })
    await Promise.race([this.#logIn(wire, client), this.#gone.promise])
  }

  get backendStartedAt(): string | null {
    return this.#backendStartedAt
  }

  get bytesRead(): number {
    return this.#wire?.bytesRead ?? 0
  }

  silentForMs(now: number): number {
    return this.#backendStartedAt === null ? 0 : this.#pipeline.silentForMs(now)
  }

  workedForMs(now: number): number {
    return this.#pipeline.workedForMs(now)
  }

  giveUp(cause: unknown, quietSince: number): void {
    this.#lose(cause, quietSince)
  }

  run(
    statement: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    options?: RunOptions,
  ): Promise<Rows> {
    return this.#pipeline.run(statement, parameters, values, options)
  }

  cancel(ticket: Ticket): Promise<void> {
    return this.#pipeline.cancel(ticket)
  }

  preempt(): Promise<void> | null {
    return this.#pipeline.preempt()
  }

  cancelled(): Promise<void> {
    return this.#pipeline.cancelled()
  }

  answered(): Promise<void> {
    return this.#pipeline.answered()
  }

  confirmStale(error: unknown): Promise<boolean> {
    return this.#pipeline.confirmStale(error)
  }

  retirePlans(): void {
    this.#pipeline.retirePlans()
  }

  /** Asks for an answer: `select 1`, under a timer of our own because the driver has none. */
  async ping(timeoutMs: number): Promise<void> {
    await bounded(this.run('select 1', [], true), timeoutMs)
  }

  async reset(how: ResetMode, timeoutMs: number): Promise<void> {
    await bounded(this.run(how === 'discard' ? this.#discardText : 'rollback', [], true), timeoutMs)
    // What 'rollback' leaves stays by the user's choice.
    if (how === 'rollback') this.#settings.accept()
  }

  close(): Promise<void> {
    this.#pipeline.end()
    this.#ending ??= this.#leave()
    return this.#ending
  }

  destroy(): Promise<void> {
    this.#ending ??= this.#cut()
    return this.#ending
  }

  get #discardText(): string {
    return this.#isPooled
      ? discardText + loginSettings(this.#source.options.applicationName ?? '')
      : discardText
  }

  /** Settles statements that nothing else will, and counts them: each is a defect of this layer. */
  settleStranded(): number {
    return this.#pipeline.settleStranded()
  }

  /** Asks who answers and what types there are, in the first round trip after the login. */
  async #logIn(wire: Wire, client: Driver): Promise<void> {
    const source = this.#source
    const first = client.unsafe(identityText)
    const [[identity], types, snapshot] = await Promise.all([
      first,
      client.unsafe(arrayTypesText(source.newestType)),
      source.firstSnapshot === null ? client.unsafe(snapshotText) : null,
    ])
    learnArrayTypes(source, types)
    source.firstSnapshot ??= snapshot?.[0]?.snapshot ?? null
    this.#backend = first.state
    this.#settings.accept()
    // Behind a pooler the server's process is not the one we are connected to, and can't be looked up.
    this.#isPooled = identity.pid !== this.pid
    if (this.#isPooled) await this.#source.poolers.meet(() => keepsTrack(client))
    else this.#backendStartedAt = identity.startedAt
    this.#pipeline.start(client, wire, this.#isPooled)
    this.#source.connections.add(this)
  }

  /** Asks the server to cancel what runs, encrypted if this connection is. */
  async #askToCancel(): Promise<boolean> {
    if (!this.#backend) return false
    const tls = this.#wire?.isEncrypted ? this.#tls : null
    return cancelBackend(new Wire(this.#source.target, tls), this.#backend)
  }

  #lose(cause: unknown, quietSince?: number): void {
    if (this.lost) return
    this.#settle(cause, quietSince)
    this.#wire?.destroy()
    // Before it was open its attempt has failed, and says so.
    if (!this.#ending && this.#backend) this.#onLost(cause)
  }

  /** Settles whatever is left on it. */
  #settle(cause: unknown, quietSince?: number): void {
    this.#pipeline.lose(cause, quietSince)
    this.#gone.reject(cause)
    if (this.inFlight === 0) this.#source.connections.delete(this)
  }

  async #leave(): Promise<void> {
    await this.#wire?.close(closeMs)
    this.#lose(closedByUs())
  }

  /** What runs is cancelled on the server, and its callers need not wait for that. */
  async #cut(): Promise<void> {
    const isWorking = this.#pipeline.isRunning && !this.lost
    this.#settle(closedByUs())
    this.#wire?.cut()
    if (isWorking) await this.#askToCancel()
    await this.#wire?.close(closeMs)
  }
}

function closedByServer(): Error {
  return Object.assign(new Error('The server closed the connection.'), { code: 'CONNECTION_CLOSED' })
}

function closedByUs(): Error {
  return Object.assign(new Error('The connection was given up.'), { code: 'CONNECTION_DESTROYED' })
}
