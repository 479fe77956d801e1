import type { Statement } from '../statement.ts'
import { inferredType } from './driver-query.ts'

// A text longer than this is generated for its values: keeping it prepared would only fill the server's memory.
const longest = 8_192

/**
 * Which plans one connection keeps prepared: the first `most` of them. A plan is a text and the types that the driver reads
 * off its parameters. The driver can't forget one, so the rest runs unprepared, and a connection that sees too many of those
 * `isFull`.
 */
export class PreparedTexts {
  readonly #most: number
  readonly #plans = new Set<string>()
  #left = 0

  /** @param most 0 for none. */
  constructor(most: number) {
    this.#most = most
  }

  /** True once more texts found no room than have it: a new connection has none. */
  get isFull(): boolean {
    return this.#left > this.#most
  }

  /** Whether the statement runs from a prepared plan, which the connection then keeps. */
  keeps({ text, kind }: Statement, parameters: readonly unknown[]): boolean {
    if (this.#most === 0 || parameters.length === 0 || text.length > longest) return false
    if (kind !== 'plain' && kind !== 'local') return false
    const plan = planOf(text, parameters)
    if (this.#plans.has(plan)) return true
    if (this.#plans.size >= this.#most) {
      this.#left++
      return false
    }
    this.#plans.add(plan)
    return true
  }
}

/** What the driver names a plan by; the text itself where it leaves all types to the server. */
function planOf(text: string, parameters: readonly unknown[]): string {
  for (let index = 0; index < parameters.length; index++) {
    if (inferredType(parameters[index]) !== 0) return `${parameters.map(inferredType)}${text}`
  }
  return text
}
