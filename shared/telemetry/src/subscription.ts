import type { OperationChannels } from '@shared/database'

/** Calls a function at the end of each operation of a channel, in its caller's async context. @returns Ends that. */
export function onEnd<M>({ asyncEnd }: OperationChannels<M>, ended: (message: M) => void): () => void {
  const listener = (message: M): void => ended(message)
  asyncEnd.subscribe(listener)
  return () => asyncEnd.unsubscribe(listener)
}
