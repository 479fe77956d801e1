import type { StatementInfo } from './statement.ts'

// A text longer than this is generated for its values: keeping it prepared would only fill the server's memory.
const longest = 8_192

/**
 * Which texts one connection keeps prepared: the first `most` of them. The driver can't forget one, so the rest runs
 * unprepared, and a connection that sees too many of those is `worn`.
 */
export class PreparedTexts {
  readonly #most: number
  readonly #texts = new Set<string>()
  #left = 0

  /** @param most 0 for none. */
  constructor(most: number) {
    this.#most = most
  }

  /** True once more texts found no room than have it: a new connection has none. */
  get worn(): boolean {
    return this.#left > this.#most
  }

  /** Whether the text runs from a prepared plan, which it then keeps. */
  keeps(text: string, parameters: readonly unknown[], { kind }: StatementInfo): boolean {
    if (this.#most === 0 || parameters.length === 0 || kind !== 'plain' || text.length > longest) return false
    if (this.#texts.has(text)) return true
    if (this.#texts.size >= this.#most) {
      this.#left++
      return false
    }
    this.#texts.add(text)
    return true
  }
}
