import { createHash, createHmac } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { ConnectionLostError, causes, type DrizzleModel, type TransactionOf } from '@shared/database'
import { type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { Problem } from '../problem/problem.ts'

/** The header with which a client marks the repeats of one request. */
export const idempotencyKeyHeader = 'Idempotency-Key'

/** Set on an answer that is that of an earlier request with the same key. */
export const replayedHeader = 'Idempotent-Replayed'

/**
 * The `headers` of a route whose requests may carry a key: `request: { headers: idempotencyHeaders, … }`.
 *
 * Short keys are refused: two clients must not come upon the same one.
 */
export const idempotencyHeaders = z.object({
  [idempotencyKeyHeader]: z
    .string()
    .regex(
      /^[\x21-\x7e]{16,255}$/,
      'must be 16 to 255 printable ASCII characters without spaces, such as a UUID',
    )
    .optional()
    .meta({
      description:
        'Chosen by the client for one request and its repeats, at random. Repeats within a day get the answer of the first that took ' +
        'effect, marked `Idempotent-Replayed`, and have no effect of their own.',
    }),
})

/** The codes with which a request that has a key may be refused beside those of its route, for `problems()`. */
export const keyReused = 'idempotency-key-reused'

/** What `createIdempotency` uses of a service's database. */
export interface IdempotencyOptions<Tx> {
  transaction: <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>
  /** The table of keys in the service's own schema, as in `drizzle/product/schema.ts`. */
  keys: { getSQL(): SQL }
}

/** Drizzle in a transaction, as far as keys need it. */
type Executor = Pick<TransactionOf<DrizzleModel>, 'execute'>

/** Runs what a request writes in a transaction, once for each key; returns the answer's body. */
export type Once<Tx> = <T extends object>(c: Context, work: (tx: Tx) => Promise<T>) => Promise<T>

// A COMMIT whose answer was lost has been done or undone by the time that the next attempt has its turn at the key.
const attempts = 3

/**
 * Creates the function in which a route writes what must not happen twice. Without the header it is `transaction`.
 *
 * With it the key is stored in the transaction of the work itself, with the body of the answer: both are committed or neither is, so a
 * request can be repeated after any outcome, *unknown* included; where only the answer to COMMIT was lost it is repeated here. A
 * request with a key that another one is using waits for that one. A request that is refused leaves no key.
 *
 * Keys last a day, and belong to their client, who is told apart by `Authorization`. Of key and request only digests are stored.
 *
 * @throws {Problem} 422 `idempotency-key-reused`: the key came with another request; what `work` and `transaction` throw.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function createIdempotency<Tx extends Executor>({
  transaction,
  keys,
}: IdempotencyOptions<Tx>): Once<Tx> {
  return async function once<T extends object>(c: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    const key = c.req.header(idempotencyKeyHeader)
    if (key === undefined) return transaction(work)
    const request = await identify(c, key)
    for (let attempt = 1; ; attempt++) {
      try {
        return await transaction((tx) => replayOr(c, tx, keys, request, work))
      } catch (error) {
        if (attempt === attempts || !isUnknown(error)) throw error
      }
    }
  }
}

interface KeyedRequest {
  id: string
  fingerprint: string
}

async function replayOr<T extends object, Tx extends Executor>(
  c: Context,
  tx: Tx,
  keys: IdempotencyOptions<Tx>['keys'],
  { id, fingerprint }: KeyedRequest,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  // Waits for a transaction that has the same key; takes over what has expired.
  const claimed = await tx.execute(sql`
    insert into ${keys} as k (id, fingerprint, expires_at) values (${id}, ${fingerprint}, now() + interval '1 day')
    on conflict (id) do update set fingerprint = excluded.fingerprint, answer = null, expires_at = excluded.expires_at
    where k.expires_at <= now() returning id`)
  if (claimed.length === 0) return replay(c, tx, keys, { id, fingerprint })
  const body = await work(tx)
  const answer = JSON.stringify(body)
  await tx.execute(sql`update ${keys} set answer = ${answer} where id = ${id}`)
  // More than come in, so that those which have expired get fewer.
  await tx.execute(sql`delete from ${keys} where id in (
    select id from ${keys} where expires_at <= now() limit 4 for update skip locked)`)
  return body
}

/** The answer that the key's request got. What was a `Date` is its text now, as in every answer. */
async function replay<T extends object>(
  c: Context,
  tx: Executor,
  keys: { getSQL(): SQL },
  { id, fingerprint }: KeyedRequest,
): Promise<T> {
  const [row] = await tx.execute<{ fingerprint: string; answer: string }>(
    sql`select fingerprint, answer from ${keys} where id = ${id}`,
  )
  // Removed since it was met: it had just expired.
  if (row === undefined) throw inUse()
  if (row.fingerprint !== fingerprint) throw reused()
  c.header(replayedHeader, 'true')
  return JSON.parse(row.answer) as T
}

/** Digests: a table of keys tells nobody how to repeat a request, nor a password in its body. */
async function identify(c: Context, key: string): Promise<KeyedRequest> {
  const caller = c.req.header('Authorization') ?? ''
  const id = createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')
  const fingerprint = createHmac('sha256', key)
    .update(JSON.stringify([c.req.method, c.req.path]))
    .update(new Uint8Array(await c.req.arrayBuffer()))
    .digest('hex')
  return { id, fingerprint }
}

function isUnknown(error: unknown): boolean {
  return [...causes(error)].some((link) => link instanceof ConnectionLostError && link.outcome === 'unknown')
}

function reused(): Problem {
  const detail = 'This Idempotency-Key came with another request: use a new one for each.'
  return new Problem({ status: 422, code: keyReused, detail })
}

function inUse(): Problem {
  const detail = 'Another request with this Idempotency-Key is under way. Try again.'
  return new Problem({ status: 503, code: 'concurrent-change', detail, headers: { 'Retry-After': '1' } })
}
