import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { MessageChannelOf, OperationChannels } from './channel-types.ts'
import type { CheckoutMessage, ConnectMessage, FailoverMessage, TransactionMessage } from './messages.ts'
import type { StatementMessage } from './statement-message.ts'

/** What the names of all channels begin with. */
export const channelPrefix = 'database-connections'

/**
 * The channels of `node:diagnostics_channel` that this layer publishes on. All but `failover` are tracing channels: each has
 * five of its own, `tracing:database-connections:<name>:start` and so on, and one message for an operation goes through them.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html#tracingchannel-channels
 */
export const channels = {
  /** A connection is taken from the pool. */
  checkout: operation<CheckoutMessage>('checkout'),
  /** A connection is opened. */
  connect: operation<ConnectMessage>('connect'),
  /** A statement of the program runs. */
  statement: operation<StatementMessage>('statement'),
  /** A transaction runs, from its checkout to the answer to COMMIT or ROLLBACK. */
  transaction: operation<TransactionMessage>('transaction'),
  /** Another server has become the primary. */
  failover: channel(`${channelPrefix}:failover`) as MessageChannelOf<FailoverMessage>,
}

/** Whether somebody listens to any of a tracing channel's five. Bun's tracing channels don't say so themselves. */
export function isHeard<M>(channel: OperationChannels<M>): boolean {
  return (
    channel.start.hasSubscribers ||
    channel.asyncEnd.hasSubscribers ||
    channel.error.hasSubscribers ||
    channel.end.hasSubscribers ||
    channel.asyncStart.hasSubscribers
  )
}

function operation<M>(name: string): OperationChannels<M> {
  return tracingChannel(`${channelPrefix}:${name}`) as OperationChannels<M>
}
