import { type Deadline, describeLimit, type TimeLimit } from './deadline.ts'
import { CheckoutAbortedError, ConnectError, DatabaseError, WorkAbortedError } from './errors.ts'

/** Why a checkout failed that the pool had room for: the server gave no connection, as its last failure says. */
export function noConnection(
  pool: string,
  limit: TimeLimit,
  waitedMs: number,
  failure: unknown,
): ConnectError {
  const known = failure instanceof ConnectError ? failure : null
  const message = `Pool ${pool} got no connection from the server in ${Math.round(waitedMs)} ms, when ${describeLimit(limit)} were over.`
  return new ConnectError(known ? `${message} ${known.message}` : message, {
    cause: failure,
    deadline: { ...limit, spentOn: 'connect' },
    ...(known && {
      sqlState: known.sqlState,
      driverCode: known.driverCode,
      retryable: known.retryable,
    }),
  })
}

/** The deadline that a signal stands for; null when it is the caller's own signal, which is none. */
export function deadlineOf(signal: AbortSignal | undefined): Deadline | null {
  const reason: unknown = signal?.reason
  return reason instanceof DatabaseError ? reason.deadline : null
}

/** What a signal that fired before there was a connection is to its caller: a deadline that had passed, or its own abort. */
export function abortedError(signal: AbortSignal | undefined): DatabaseError {
  const reason: unknown = signal?.reason
  if (reason instanceof WorkAbortedError) return new CheckoutAbortedError(reason.cause)
  return reason instanceof DatabaseError ? reason : new CheckoutAbortedError(reason)
}
