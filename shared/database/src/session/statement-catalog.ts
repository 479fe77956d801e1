import type { Statement } from '../connection/statement.ts'
import { effectOf } from './effect.ts'
import { classifyStatement } from './statement-kind.ts'

// Beyond these a text is dynamic SQL, and remembering more of it only costs memory.
const mostTexts = 2_000
const mostCharacters = 2_000_000
const longestText = 100_000

/** Remembers the statements in use, and what is known of each; forgets all of them when they become too many or too long. */
export class StatementCatalog {
  readonly #statements = new Map<string, Statement>()
  #characters = 0

  /** The statement of a text. */
  of(text: string): Statement {
    const known = this.#statements.get(text)
    if (known) return known
    const kind = classifyStatement(text)
    const statement: Statement = {
      text,
      kind,
      effect: kind === 'plain' ? effectOf(text) : 'unknown',
      types: null,
      tookMs: 0,
    }
    if (text.length > longestText) return statement
    this.#characters += text.length
    if (this.#statements.size >= mostTexts || this.#characters > mostCharacters) {
      this.#statements.clear()
      this.#characters = text.length
    }
    this.#statements.set(text, statement)
    return statement
  }

  /** Forgets the types of all parameters: definitions have changed. */
  forgetTypes(): void {
    for (const statement of this.#statements.values()) statement.types = null
  }
}
