/** What is known of a write from how it was reported: it took effect, it did not, or nobody can say. */
export type Outcome = 'done' | 'absent' | 'unknown'

/** What the harness looks for. */
export const faultKinds = ['hung', 'wrong', 'twice', 'half', 'leaked', 'uncaught'] as const
export type FaultKind = (typeof faultKinds)[number]

/** A promise of the layer that was broken. */
export interface Violation {
  readonly kind: FaultKind
  readonly what: string
}

/** The same for violations that differ in numbers alone. */
export const groupOf = ({ kind, what }: Violation): string => `${kind} ${what.replace(/\d+/g, '#')}`

/** One write of a caller's: it makes `rows` rows under its id, all of them or none. */
export interface Claim {
  readonly id: string
  readonly rows: number
  readonly by: string
  /** Null while its promise is open. */
  outcome: Outcome | null
}

interface OpenCall {
  readonly label: string
  readonly since: number
  /** Whether it is known to hang. */
  isHung: boolean
}

// One fault breaks many promises: these say enough, and the rest are only counted.
const mostViolations = 200
const mostHistory = 50

/** What callers were answered in one world, what is open, what went wrong, and the last things that happened. */
export class Ledger {
  readonly claims = new Map<string, Claim>()
  readonly violations: Violation[] = []
  readonly open = new Set<OpenCall>()
  /** Statements that callers asked for. */
  statements = 0
  faults = 0
  /** When a call settled last. */
  settledAt = 0
  /** Calls that were answered as asked. */
  succeeded = 0
  /** How often callers saw each kind of failure. */
  readonly failures: Record<string, number> = {}
  readonly notes = new Set<string>()
  /** Whether the pooler on the way served nobody any more, stock postgres.js neither. */
  isPoolerStuck = false
  readonly #history: string[] = []
  readonly #groups = new Set<string>()
  readonly #startedAt = performance.now()
  #claimed = 0

  /** A write about to be made. Its id is nobody else's. */
  claim(by: string, rows: number): Claim {
    const claim: Claim = { id: `w${++this.#claimed}`, rows, by, outcome: null }
    this.claims.set(claim.id, claim)
    return claim
  }

  /** Notes that a call is out; call what it returns when its promise has settled. */
  begin(label: string): () => void {
    const call: OpenCall = { label, since: performance.now(), isHung: false }
    this.open.add(call)
    return () => {
      this.settledAt = performance.now()
      this.open.delete(call)
    }
  }

  /** Notes that what is open now will never settle. */
  hangs(when: string): void {
    for (const call of this.open) {
      if (call.isHung) continue
      call.isHung = true
      const ms = Math.round(performance.now() - call.since)
      this.violated('hung', `${call.label}, open for ${ms} ms ${when}`)
    }
  }

  failed(kind: string): void {
    this.failures[kind] = (this.failures[kind] ?? 0) + 1
    if (this.failures[kind] === 1) this.happened(`first ${kind}`)
  }

  violated(kind: FaultKind, what: string): void {
    if (this.violations.length < mostViolations) this.violations.push({ kind, what })
    const group = groupOf({ kind, what })
    if (this.#groups.has(group)) return
    this.#groups.add(group)
    this.happened(`${kind.toUpperCase()} ${what}`)
  }

  happened(what: string): void {
    this.#history.push(`${String(Math.round(performance.now() - this.#startedAt)).padStart(6)} ms  ${what}`)
    if (this.#history.length > mostHistory) this.#history.shift()
  }

  /** The last things that happened, oldest first. */
  get history(): readonly string[] {
    return this.#history
  }
}
