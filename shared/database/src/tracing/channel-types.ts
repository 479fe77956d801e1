import type { AsyncLocalStorage } from 'node:async_hooks'

/**
 * A channel of `node:diagnostics_channel` with messages of one type. It is declared here, because newer types of Node take their
 * parameters in another order than older ones: a program compiles with either.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html#class-channel
 */
export interface MessageChannelOf<M> {
  readonly hasSubscribers: boolean
  publish(message: M): void
  subscribe(listener: (message: M, name: string | symbol) => void): void
  unsubscribe(listener: (message: M, name: string | symbol) => void): void
  bindStore<S>(store: AsyncLocalStorage<S>, transform: (message: M) => S): void
  unbindStore<S>(store: AsyncLocalStorage<S>): void
  runStores<T>(message: M, run: () => T): T
}

/** The five channels of an operation: one message goes through them. */
export interface OperationChannels<M> {
  readonly start: MessageChannelOf<M>
  readonly end: MessageChannelOf<M>
  readonly asyncStart: MessageChannelOf<M>
  readonly asyncEnd: MessageChannelOf<M>
  readonly error: MessageChannelOf<M>
  subscribe(listeners: OperationListeners<M>): void
  unsubscribe(listeners: OperationListeners<M>): void
}

/** What is called with each of an operation's messages. */
export interface OperationListeners<M> {
  start?(message: M): void
  end?(message: M): void
  asyncStart?(message: M): void
  asyncEnd?(message: M): void
  error?(message: M): void
}
