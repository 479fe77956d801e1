/** What a session can change of the settings that the server reports by itself; search_path from PostgreSQL 18 on. */
const reported = new Set([
  'application_name',
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'IntervalStyle',
  'is_superuser',
  'scram_iterations',
  'search_path',
  'session_authorization',
  'standard_conforming_strings',
  'TimeZone',
])

/**
 * The settings that the server reports for a session whenever they change, unasked, against those that it began with: they
 * show what a function has set inside, which no text can.
 *
 * @see PostgreSQL, "Protocol Flow", Asynchronous Operations: ParameterStatus
 */
export class ReportedSettings {
  readonly #initial = new Map<string, string>()
  readonly #current = new Map<string, string>()
  readonly #changed = new Set<string>()

  /** True while one of them is not what it was at the beginning. */
  get haveChanged(): boolean {
    return this.#changed.size > 0
  }

  note(name: string, value: string): void {
    if (!reported.has(name)) return
    this.#current.set(name, value)
    const initial = this.#initial.get(name)
    if (initial === undefined || initial === value) this.#changed.delete(name)
    else this.#changed.add(name)
  }

  /** What of these the session began with, by the names that the server reports. */
  initialOf(names: Iterable<string>): readonly (readonly [name: string, value: string])[] {
    const asked = new Set(Array.from(names, (name) => name.toLowerCase()))
    return [...this.#initial].filter(([name]) => asked.has(name.toLowerCase()))
  }

  /** From now on what they are is what the session began with. */
  accept(): void {
    for (const [name, value] of this.#current) this.#initial.set(name, value)
    this.#changed.clear()
  }
}
