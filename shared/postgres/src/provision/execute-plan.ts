import type { Session } from '../admin-connection.ts'
import { errorCode } from '../errors.ts'
import type { ProvisionPlan, Stage, Step } from './plan.ts'

/** What {@link executePlan} works with. */
export interface Execution {
  /** In the admin's database. */
  readonly admin: Session
  connect(database: string): Promise<Session>
  /** Runs one step and names it in its error. */
  step<T>(name: string, fn: () => Promise<T>): Promise<T>
}

const lockTimeout = '10s'

/** Does what the plan says, stage by stage; returns what could not be done and is no reason to stop. */
export async function executePlan(plan: ProvisionPlan, execution: Execution): Promise<string[]> {
  const warnings: string[] = []
  if (plan.stages.length > 0) await prepare(execution.admin)
  for (const stage of plan.stages) {
    if (stage.together) await runTogether(stage, execution)
    else warnings.push(...(await runEach(stage, execution)))
  }
  return warnings
}

// Whoever waits for a lock makes others wait behind it.
const prepare = (session: Session): Promise<void> => session.run(`SET lock_timeout = '${lockTimeout}'`)

/**
 * Runs the steps in one transaction for each database, and commits when every step of all of them was done.
 *
 * The admin's database is last, as the marks are made there: what has none yet is found as it was by the next run.
 */
async function runTogether({ steps }: Stage, { admin, connect, step }: Execution): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const sessions = new Map<string | null, Session>()
  for (const database of new Set(steps.map((each) => each.database))) {
    if (database === null) continue
    const session = stack.use(await connect(database))
    await prepare(session)
    sessions.set(database, session)
  }
  sessions.set(null, admin)
  try {
    for (const session of sessions.values()) await step('begin', () => session.run('BEGIN'))
    for (const each of steps) {
      await step(each.name, () => sessionOf(sessions, each).run(each.statements.join(';\n')))
    }
    for (const session of sessions.values()) await step('commit', () => session.run('COMMIT'))
  } catch (error) {
    // The others end with their connection.
    await admin.run('ROLLBACK').catch(() => {})
    throw error
  }
}

function sessionOf(sessions: ReadonlyMap<string | null, Session>, { name, database }: Step): Session {
  const session = sessions.get(database)
  if (session === undefined) throw new Error(`no session for the step "${name}"`)
  return session
}

async function runEach({ steps }: Stage, { admin, step }: Execution): Promise<string[]> {
  const warnings: string[] = []
  for (const { name, statements, otherwise } of steps) {
    for (const statement of statements) {
      try {
        await step(name, () => admin.run(statement))
      } catch (error) {
        if (otherwise === undefined || errorCode(error) !== 'INSUFFICIENT_PRIVILEGE') throw error
        warnings.push(otherwise)
      }
    }
  }
  return warnings
}
