import { bounded, ConnectError } from '@shared/pool'
import type { SqlConnection } from '../connection/sql-connection.ts'
import type { ExclusiveConnection } from '../session/exclusive-connection.ts'
import { spentOn, type Work } from '../session/work.ts'

/** A physical connection, for a hook alone. */
export interface HookConnection<TDrizzle> {
  /** Drizzle on this connection. Rejects once the hook has ended. */
  readonly db: TDrizzle
  /** The backend's process id; behind a pooler a number of its own. */
  readonly pid: number
}

/** Called with a connection and awaited; one that throws, or takes longer than `hookTimeoutMs`, costs the connection. */
export type Hook<TDrizzle> = (connection: HookConnection<TDrizzle>) => unknown

/** What the program wants done with connections. */
export interface HookOptions<TDrizzle> {
  /**
   * Called with each new connection of a pool before anybody else has it, and again after session state was reset on it: what it
   * sets is there for everyone. Not for the connection beside the pool that health and looks use.
   */
  onConnect?: Hook<TDrizzle>
  /**
   * Called before each checkout: of a transaction, of `use()`, of every single statement, which then has its connection for
   * itself and costs at least the time of what the hook asks. Session state that it leaves is reset when the connection comes back.
   */
  beforeCheckout?: Hook<TDrizzle>
}

export type HookName = keyof HookOptions<unknown>

export interface HooksParts<TDrizzle> extends HookOptions<TDrizzle> {
  /** Longest time in ms for each call. */
  timeoutMs: number
  work: Work
  handleOn: (exclusive: ExclusiveConnection) => TDrizzle
  onFailed: (type: 'hook-failed' | 'hook-timeout', error: unknown, name: HookName) => void
}

/** The hooks as pools call them; null for one that there is not. */
export interface Hooks {
  /**
   * Calls `onConnect` with a connection that was opened just now; it is cut if that fails.
   *
   * @param hold Holds the connection for a call.
   * @throws {ConnectError} naming the hook, with what it threw as `cause`.
   */
  readonly connected:
    | ((
        connection: SqlConnection,
        hold: (connection: SqlConnection) => ExclusiveConnection,
        signal?: AbortSignal,
      ) => Promise<void>)
    | null
  /** Calls `beforeCheckout`; throws as `connected` does, or the reason of the caller's signal. */
  readonly beforeCheckout: ((exclusive: ExclusiveConnection) => Promise<void>) | null
}

/** Makes the hooks of a database out of what the program wants. */
export function createHooks<TDrizzle>(parts: HooksParts<TDrizzle>): Hooks {
  const { onConnect, beforeCheckout, timeoutMs, work, handleOn, onFailed } = parts

  async function call(
    name: HookName,
    hook: Hook<TDrizzle>,
    exclusive: ExclusiveConnection,
    signal?: AbortSignal,
  ): Promise<void> {
    let isOver = false
    const run = async () => {
      try {
        await hook({ db: handleOn(exclusive), pid: exclusive.connection.pid })
      } finally {
        isOver = true
      }
    }
    try {
      await bounded(run(), timeoutMs, signal)
      await exclusive.end()
    } catch (error) {
      // What is still under way ends with the connection.
      void exclusive.end()
      if (signal?.aborted) throw spentOn('statement', signal.reason)
      onFailed(isOver ? 'hook-failed' : 'hook-timeout', error, name)
      throw hookError(name, isOver ? null : timeoutMs, error)
    }
  }

  async function prepare(
    hook: Hook<TDrizzle>,
    connection: SqlConnection,
    hold: (connection: SqlConnection) => ExclusiveConnection,
    reset: SqlConnection['reset'],
    signal?: AbortSignal,
  ): Promise<void> {
    // It is the pool's: the bounds of the caller who made it necessary say nothing about it.
    await work.outside(() => call('onConnect', hook, hold(connection), signal))
    // What the hook has set is what the session begins with.
    await reset('rollback', timeoutMs)
  }

  return {
    connected:
      onConnect === undefined
        ? null
        : async (connection, hold, signal) => {
            const reset = connection.reset.bind(connection)
            try {
              await prepare(onConnect, connection, hold, reset, signal)
            } catch (error) {
              const gone = connection.destroy()
              if (signal?.aborted) await gone
              throw error
            }
            connection.reset = async (how, resetMs) => {
              await reset(how, resetMs)
              if (how === 'discard') await prepare(onConnect, connection, hold, reset)
            }
          },
    beforeCheckout:
      beforeCheckout === undefined
        ? null
        : (exclusive) => call('beforeCheckout', beforeCheckout, exclusive, work.current()?.signal),
  }
}

function hookError(name: HookName, timeoutMs: number | null, cause: unknown): ConnectError {
  return timeoutMs === null
    ? new ConnectError(`The hook ${name} failed, and its connection was closed. See the cause.`, {
        cause,
        driverCode: 'HOOK_FAILED',
      })
    : new ConnectError(
        `The hook ${name} had not ended after ${timeoutMs} ms, and its connection was closed. Let it do less, or raise hookTimeoutMs.`,
        { cause, driverCode: 'HOOK_TIMEOUT' },
      )
}
