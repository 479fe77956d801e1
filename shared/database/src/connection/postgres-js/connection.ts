import { bounded, deferred, type ResetMode } from '@shared/pool'
import { ConnectionLostError } from '../../errors.ts'
import type { CopyExchange } from '../copy-exchange.ts'
import { logIn } from '../login/log-in.ts'
import { readPassword } from '../login/password.ts'
import { startupParameters } from '../login/startup.ts'
import { givenUp } from '../network/dial.ts'
import { type TlsSettings, tlsSettings } from '../network/tls-settings.ts'
import { readServerRole, type ServerRole } from '../server-role.ts'
import { settingOwners } from '../session-settings.ts'
import type { Failure, RunOptions, SqlConnection, Ticket } from '../sql-connection.ts'
import type { Rows, Statement } from '../statement.ts'
import type { Host } from '../target.ts'
import { arrayTypesText } from './array-types.ts'
import { cancelBackend } from './cancel.ts'
import { Copy } from './copy.ts'
import { withDescriptions } from './described-results.ts'
import { createClient, type DriverSource, learnArrayTypes } from './driver.ts'
import type { Driver } from './driver-query.ts'
import { readOwnRows } from './own-rows.ts'
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
const restoringText = (settings: readonly (readonly [name: string, value: string])[]): string =>
  settings
    .map((setting) => setting.map((text) => `E'${text.replaceAll(/['\\]/g, '\\$&')}'`))
    .map(([name, value]) => `; SELECT pg_catalog.set_config(${name}, ${value}, false)`)
    .join('')

export interface ConnectionListeners {
  onLost: (cause: unknown) => void
  onRoleChanged: () => void
}

/** One physical connection, one life: a postgres.js client that connects once and never again. */
export class PostgresConnection implements SqlConnection {
  readonly host: Host
  readonly #source: DriverSource
  readonly #listeners: ConnectionListeners
  readonly #pipeline: Pipeline
  readonly #settings = new ReportedSettings()
  /** Rejects when the connection is gone, which the driver does not learn. */
  readonly #gone = deferred<never>()
  #tls: TlsSettings | null = null
  #wire: Wire | null = null
  #backend: { pid: number; secret: number } | null = null
  #isPooled = false
  #backendStartedAt: string | null = null
  #ending: Promise<void> | null = null
  #isRetired = false
  #role: ServerRole | null = null
  #copy: Copy | null = null

  constructor(source: DriverSource, host: Host, listeners: ConnectionListeners) {
    this.host = host
    this.#source = source
    this.#listeners = listeners
    this.#gone.promise.catch(() => {})
    this.#pipeline = new Pipeline({
      source,
      askToCancel: () => this.#askToCancel(),
      onLost: (cause) => this.#lose(cause),
    })
  }

  get role(): ServerRole | null {
    return this.#role
  }

  get pid(): number {
    return this.#backend?.pid ?? 0
  }

  get inFlight(): number {
    return this.#pipeline.inFlight + (this.#copy ? 1 : 0)
  }

  get spokeAt(): number {
    return this.#pipeline.spokeAt
  }

  get lost(): boolean {
    return this.#pipeline.lost
  }

  get shouldReplace(): boolean {
    return this.#pipeline.shouldReplace || this.#isRetired || this.hasOtherSettings || this.lost
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
    const [tls, password] = await Promise.all([
      tlsSettings(this.host, options, target.tls),
      readPassword(target, this.host, options.passFile),
    ])
    // Given up while the files were read.
    if (this.#ending) throw givenUp()
    this.#tls = tls
    const wire = new Wire(this.host, tls, (cause) => this.#lose(cause ?? closedByServer()))
    this.#wire = wire
    await wire.opened
    const { channelBinding } = options
    const { user, requireAuth } = target
    const parameters = startupParameters(target, options)
    const login = logIn(wire, { user, password, parameters, channelBinding, requireAuth })
    const socket = wire.asSocket(login)
    const { write } = socket
    socket.write = (messages) => write(this.#isPooled ? withDescriptions(messages) : messages)
    const client = createClient(this.#source, {
      socket: () => socket,
      onSetting: (name, value) => {
        this.#settings.note(name, value)
        if (name === 'in_hot_standby') this.#roleReported(value === 'on')
      },
      onNotify: (payload, channel) => this.#source.onNotify(payload, this, channel),
      onNotice: (notice) => this.#pipeline.noted(notice),
    })
    await Promise.race([Promise.all([login, this.#begin(wire, client)]), this.#gone.promise])
  }

  get backendStartedAt(): string | null {
    return this.#backendStartedAt
  }

  /** Each address that was tried while it was opened, and what became of it. */
  get tried(): readonly string[] {
    return this.#wire?.tried ?? []
  }

  get bytesRead(): number {
    return this.#wire?.bytesRead ?? 0
  }

  silentForMs(now: number): number {
    if (this.#backendStartedAt === null) return 0
    return this.#copy ? this.#copy.silentForMs(now) : this.#pipeline.silentForMs(now)
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

  async copy(text: string): Promise<CopyExchange> {
    if (this.lost || !this.#wire) throw new ConnectionLostError('not-sent')
    if (this.inFlight > 0) throw new Error('Nothing else may be under way on the connection of a COPY.')
    const wire = this.#wire
    // The driver's queries keep the process by themselves.
    wire.ref()
    this.#copy = new Copy({
      wire,
      destroy: () => this.destroy(),
      onOver: () => {
        this.#copy = null
        if (this.#source.options.allowExitOnIdle) wire.unref()
      },
    })
    const copy = this.#copy
    await copy.start(text)
    return copy
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
    if (!this.#isPooled) return discardText
    const { target, options } = this.#source
    const asked = [
      ...Object.keys(startupParameters(target, options)),
      ...settingOwners(target, options).keys(),
    ]
    return discardText + restoringText(this.#settings.initialOf(asked))
  }

  /** Settles statements that nothing else will, and counts them: each is a defect of this layer. */
  settleStranded(): number {
    return this.#pipeline.settleStranded()
  }

  /** Asks who answers and what types there are, in the first round trip after the login. */
  async #begin(wire: Wire, client: Driver): Promise<void> {
    const source = this.#source
    const read = ownReader(source)
    const first = client.unsafe(identityText)
    const [[identity], types, snapshot, role] = await Promise.all([
      read(first),
      read(client.unsafe(arrayTypesText(source.newestType))),
      source.firstSnapshot === null ? read(client.unsafe(snapshotText)) : null,
      source.asksRole ? readServerRole((text) => read(client.unsafe(text))) : null,
    ])
    this.#role = role
    learnArrayTypes(source, types)
    source.firstSnapshot ??= snapshot?.[0]?.snapshot ?? null
    this.#backend = first.state
    this.#settings.accept()
    // Behind a pooler the server's process is not the one we are connected to, and can't be looked up.
    this.#isPooled = identity.pid !== this.pid
    if (this.#isPooled) await this.#source.poolers.meet(() => keepsTrack(client, read))
    else this.#backendStartedAt = identity.startedAt
    this.#pipeline.start(client, wire, this.#isPooled)
    this.#source.connections.add(this)
  }

  /** The server reports what it is at the login and when that has changed, behind the next answer. */
  #roleReported(isStandby: boolean): void {
    if (!this.#role || this.#role.isStandby === isStandby) return
    this.#role = { ...this.#role, isStandby, timeline: null }
    this.#isRetired = true
    this.#listeners.onRoleChanged()
  }

  /** Asks the server to cancel what runs, encrypted if this connection is. */
  async #askToCancel(): Promise<boolean> {
    if (!this.#backend) return false
    const { address, isEncrypted } = this.#wire ?? {}
    if (!address) return false
    // To the very server: the name may lead to another one by now.
    return cancelBackend(new Wire(address, isEncrypted ? this.#tls : null), this.#backend)
  }

  #lose(cause: unknown, quietSince?: number): void {
    if (this.lost) return
    this.#settle(cause, quietSince)
    this.#wire?.destroy()
    // Before it was open its attempt has failed, and says so.
    if (!this.#ending && this.#backend) this.#listeners.onLost(cause)
  }

  /** Settles whatever is left on it. */
  #settle(cause: unknown, quietSince?: number): void {
    this.#pipeline.lose(cause, quietSince)
    this.#copy?.lose(cause)
    this.#gone.reject(cause)
    if (this.inFlight === 0) this.#source.connections.delete(this)
  }

  async #leave(): Promise<void> {
    await this.#wire?.close(closeMs)
    this.#lose(givenUp())
  }

  /** What runs is cancelled on the server, and its callers need not wait for that. */
  async #cut(): Promise<void> {
    const isWorking = (this.#pipeline.isRunning || this.#copy !== null) && !this.lost
    this.#settle(givenUp())
    this.#wire?.cut()
    if (isWorking) await this.#askToCancel()
    await this.#wire?.close(closeMs)
  }
}

/** Reads what a query of the layer's own answers: as bytes, where callers have codecs of theirs. */
function ownReader({ ownTypes }: DriverSource): (query: Driver) => PromiseLike<Driver> {
  return (query) => (ownTypes === null ? query : query.raw().then((rows: Driver) => readOwnRows(rows, false)))
}

function closedByServer(): Error {
  return Object.assign(new Error('The server closed the connection.'), { code: 'CONNECTION_CLOSED' })
}
