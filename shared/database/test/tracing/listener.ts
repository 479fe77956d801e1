import { AsyncLocalStorage } from 'node:async_hooks'
import { channels } from '../../src/index.ts'

type Tracing = Exclude<keyof typeof channels, 'failover'>

/** One event of a channel, with a copy of the message as it was then, and the context that it was published in. */
export interface Heard {
  readonly channel: Tracing
  readonly event: string
  readonly context: string | undefined
  readonly fields: Record<string, unknown>
  readonly message: object
}

/** What the program around the layer calls itself. */
export const caller = new AsyncLocalStorage<string>()

/** Subscribes to tracing channels until it is disposed of; hears only the operations of pools with the name. */
export function listen(pool: string, names: readonly Tracing[]): Disposable & { readonly heard: Heard[] } {
  const heard: Heard[] = []
  const stops: (() => void)[] = []
  for (const channel of names) {
    const on = (event: string) => (message: object) => {
      const fields = fieldsOf(message)
      if (fields.pool === pool) heard.push({ channel, event, context: caller.getStore(), fields, message })
    }
    const subscribers = {
      start: on('start'),
      end: on('end'),
      asyncStart: on('asyncStart'),
      asyncEnd: on('asyncEnd'),
      error: on('error'),
    }
    channels[channel].subscribe(subscribers)
    stops.push(() => channels[channel].unsubscribe(subscribers))
  }
  return {
    heard,
    [Symbol.dispose]() {
      for (const stop of stops) stop()
    },
  }
}

/** The fields of a message, those that are made when they are read included. */
export function fieldsOf(message: object): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...message }
  const lazy = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(message))
  for (const [name, { get }] of Object.entries(lazy))
    if (get && name !== '__proto__') fields[name] = get.call(message)
  return fields
}
