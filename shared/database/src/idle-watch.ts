import type { Slot } from './slot.ts'

export interface IdleWatchOptions<C> {
  /** The idle connections, the one that was used longest ago first. */
  idle: readonly Slot<C>[]
  idleTimeoutMs: number
  now: () => number
  /** Called with each that nobody has used for idleTimeoutMs; it must leave `idle`. */
  onOld: (slot: Slot<C>) => void
}

/** Finds the connections that nobody has used for long: one timer for all of them, set to the first. */
export class IdleWatch<C> {
  readonly #options: IdleWatchOptions<C>
  #timer: ReturnType<typeof setTimeout> | null = null
  #isStopped = false

  constructor(options: IdleWatchOptions<C>) {
    this.#options = options
  }

  /** To be called when a connection has become idle. */
  start(): void {
    if (this.#timer === null) this.#arm()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
  }

  #arm(): void {
    const { idle, idleTimeoutMs, now } = this.#options
    const [oldest] = idle
    if (!oldest || this.#isStopped) return
    const delay = oldest.idleSince + idleTimeoutMs - now()
    // A timer can't hold an endless delay; looking once a day is soon enough then.
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(1, Math.ceil(delay)), 86_400_000))
    this.#timer.unref()
  }

  #expire(): void {
    const { idle, idleTimeoutMs, now, onOld } = this.#options
    const before = now() - idleTimeoutMs
    for (const slot of [...idle]) if (slot.idleSince <= before) onOld(slot)
    this.#timer = null
    this.#arm()
  }
}
