import { mayHaveDefined, type Rows } from '../connection/statement.ts'
import { untilFired } from './work.ts'

export interface DefiningOptions {
  /** Looks at once whether definitions have changed, and retires plans if so; false: it could not look. */
  look: () => Promise<boolean>
  /** Retires plans unseen. */
  retirePlans: () => void
  /** What bounds the caller. */
  signal: () => AbortSignal | undefined
}

/** What follows a statement of this process that may have changed definitions. */
export interface Defining {
  /** Settles when nothing that is sent from then on runs from a plan of before. */
  defined(): Promise<void>
  /** The same for a statement that stands alone, before its caller has the answer. */
  after(answer: Promise<Rows>): Promise<Rows>
}

/**
 * A caller that changes a definition goes on with it: what it sends next must not run from a plan that was made before, which
 * could store a wrong value without an error. The watch, which looks once a second, is too late for that.
 */
export function createDefining({ look, retirePlans, signal }: DefiningOptions): Defining {
  async function defined(): Promise<void> {
    if (!(await look())) retirePlans()
  }
  async function settled(rows: Rows): Promise<Rows> {
    // What is defined is defined: at the caller's deadline it has its answer, seen or not.
    await untilFired(defined(), signal(), () => null).catch(retirePlans)
    return rows
  }
  return {
    defined,
    after: (answer) => answer.then((rows) => (mayHaveDefined(rows) ? settled(rows) : rows)),
  }
}
