import { CheckoutAbortedError, ConnectError, DatabaseError } from './errors.ts'

/** Why a checkout failed that the pool had room for: the server gave no connection, as its last failure says. */
export function noConnection(pool: string, timeoutMs: number, failure: unknown): ConnectError {
  const known = failure instanceof ConnectError ? failure : null
  const message = `Pool ${pool} got no connection from the server in ${Math.round(timeoutMs)} ms.`
  return new ConnectError(known ? `${message} ${known.message}` : message, {
    cause: failure,
    ...(known && {
      sqlState: known.sqlState,
      driverCode: known.driverCode,
      retryable: known.retryable,
    }),
  })
}

/** A reason of this layer's own, such as a deadline that passed, is told as it is. */
export function abortedError(signal: AbortSignal | undefined): DatabaseError {
  const reason: unknown = signal?.reason
  return reason instanceof DatabaseError ? reason : new CheckoutAbortedError(reason)
}
