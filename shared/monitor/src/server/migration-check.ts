import {
  type Database,
  type DrizzleModel,
  errorCode,
  type MigrationJournal,
  pendingMigrations,
  sqlState,
} from '@shared/database'

/** Whether a database has the migrations that this process was built with. */
export interface MigrationReport {
  /**
   * `current`: it has all of them, and perhaps newer ones. `behind`: some are pending. `unknown`: not asked yet, or the
   * database did not tell.
   */
  state: 'current' | 'behind' | 'unknown'
  /** The names of those that are pending, the oldest first. */
  pending: string[]
  /** How many this process was built with. */
  total: number
  /** Why it is unknown: an SQLSTATE (42501: the role may not read the journal) or the driver's code; null until asked. */
  code: string | null
}

/** Compares the database with a journal until it is current, and after that only when somebody has a reason to ask. */
export interface MigrationCheck {
  /** The report: without a question once the database is current, else at most one in `cacheMs`. Never rejects. */
  check(): Promise<MigrationReport>
  /** The report, asked for also when the database was current before: it may have been restored or made anew. */
  recheck(): Promise<MigrationReport>
  /** The last report, without a question. */
  seen(): MigrationReport
}

/** A privilege that is missing is seldom granted a second later. */
const unknownMs = 30_000

/**
 * Makes the check of a database; it asks nothing by itself.
 *
 * @param options.cacheMs How long a report is good for that is not `current`. Default 1 000.
 */
export function createMigrationCheck(
  database: Pick<Database<DrizzleModel>, 'observe'>,
  journal: MigrationJournal,
  { cacheMs = 1_000 }: { cacheMs?: number } = {},
): MigrationCheck {
  const total = journal.entries.length
  let report: MigrationReport = { state: 'unknown', pending: [], total, code: null }
  let goodUntil = 0
  let asking: Promise<MigrationReport> | null = null

  async function ask(): Promise<MigrationReport> {
    const found = await database
      .observe((connection) => pendingMigrations(connection, journal).catch(answered))
      .catch(refusal)
    if (Array.isArray(found)) {
      report = { state: found.length > 0 ? 'behind' : 'current', pending: found, total, code: null }
    } else {
      report = { state: 'unknown', pending: [], total, code: found.code }
    }
    goodUntil = performance.now() + (report.code === insufficientPrivilege ? unknownMs : cacheMs)
    asking = null
    return report
  }
  const recheck = (): Promise<MigrationReport> => {
    if (asking === null && performance.now() < goodUntil) return Promise.resolve(report)
    asking ??= ask()
    return asking
  }
  return {
    check: () => (report.state === 'current' ? Promise.resolve(report) : recheck()),
    recheck,
    seen: () => report,
  }
}

const insufficientPrivilege = '42501'

const refusal = (error: unknown): { code: string | null } => ({ code: errorCode(error) })

/** An answer that is an error of the server does not make the connection one that failed. */
function answered(error: unknown): { code: string | null } {
  if (sqlState(error) === null) throw error
  return refusal(error)
}
