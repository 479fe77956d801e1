/** Whose an operation is. */
export interface TracedPool {
  /** Its name, as in errors and metrics; that of a standby's pool has the host behind it. */
  readonly pool: string
  /** The database's name on the server. */
  readonly database: string
  /** Where the server is; null as long as it may be one of several. */
  readonly host: string | null
  readonly port: number | null
}

/** What the messages of all tracing channels have. Times in ms. */
export interface TracedOperation {
  readonly pool: string
  readonly database: string
  host: string | null
  port: number | null
  /** When it began, on performance.now's clock. */
  readonly startedAt: number
  /** How long it took; null until it is over. */
  durationMs: number | null
  /** What the caller gets instead of a result. It may hold values: of the server's errors export the code alone. */
  error?: unknown
  /** SQLSTATE, driver code or this layer's code of the error; null without one. */
  errorCode: string | null
}

/** A connection is taken from the pool, by a statement or for a transaction or `use()`: the wait in the queue, for a ping, for a connect. */
export interface CheckoutMessage extends TracedOperation {
  /** `exclusive`: for one caller alone; `alone`: for one statement alone; `shared`: for a statement beside others. */
  readonly kind: 'exclusive' | 'alone' | 'shared'
  /** Callers that were in the queue before. */
  readonly waiting: number
  /** The backend's process id; null until there is a connection. */
  pid: number | null
}

/** A connection is opened to one host. */
export interface ConnectMessage extends TracedOperation {
  /** 1, or more where the attempts before failed: the number since that host last let anybody in. */
  readonly attempt: number
  /** Whether it is for a question of the layer's own, beside the pools. */
  readonly internal: boolean
  /** The backend's process id; null until it is open. */
  pid: number | null
}

/** A transaction, with all attempts that `database.transaction()` makes. */
export interface TransactionMessage extends TracedOperation {
  /** As BEGIN has it; null: as server and role have it, or not begun yet. */
  isolationLevel: string | null
  accessMode: 'read only' | 'read write' | null
  /** How often its callback was begun. */
  attempts: number
  /** Time until its first attempt had a connection, most often that in the queue; null until then. */
  waitMs: number | null
  /** Null until it is over; `unknown`: COMMIT was not answered. */
  outcome: 'committed' | 'rolled-back' | 'unknown' | null
  /** The backend's process id in the last attempt; null until there is a connection. */
  pid: number | null
}

/** Another server has become the primary, or the same one after a promotion of its own. */
export interface FailoverMessage {
  readonly pool: string
  readonly database: string
  readonly host: string
  readonly port: number
  readonly timeline: number
  /** The primary before. */
  readonly before: { readonly host: string; readonly port: number; readonly timeline: number }
}

/** Whose the operations of a database's own pool are. */
export function tracedPool(
  pool: string,
  {
    database,
    hosts,
  }: { readonly database: string; readonly hosts: readonly { name: string; port: number }[] },
): TracedPool {
  const [host] = hosts.length === 1 ? hosts : []
  return { pool, database, host: host?.name ?? null, port: host?.port ?? null }
}

/** The fields with which the message of an operation begins. */
export function begun({ pool, database, host, port }: TracedPool): TracedOperation {
  return { pool, database, host, port, startedAt: performance.now(), durationMs: null, errorCode: null }
}

/** An operation has reached a backend. */
export function noteBackend(
  message: TracedOperation & { pid: number | null },
  { host, pid }: { readonly host: { readonly name: string; readonly port: number }; readonly pid: number },
): void {
  message.host = host.name
  message.port = host.port
  message.pid = pid
}

/** A transaction begins with these modes. */
export function noteModes(message: TransactionMessage, begin: string): void {
  const modes = begin.toLowerCase()
  message.isolationLevel =
    /\bisolation level (read (?:un)?committed|repeatable read|serializable)\b/.exec(modes)?.[1] ?? null
  message.accessMode = (/\bread (?:only|write)\b/.exec(modes)?.[0] ??
    null) as TransactionMessage['accessMode']
}
