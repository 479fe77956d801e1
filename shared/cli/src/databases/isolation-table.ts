import { showHidden } from '@shared/monitor/plain-text'
import { checkIsolation, type ServiceRoles } from '@shared/postgres'
import { paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/text.ts'

/**
 * Logs every login role in to every database and shows the outcomes, a row for each role; below them a summary, or a line
 * for each finding.
 *
 * @param options.sharedDatabases Whether `postgres` and `template1` have to be closed too. Default true.
 * @throws what the admin's connection throws.
 */
export async function isolationTable(
  adminUrl: string,
  services: readonly ServiceRoles[],
  options: { sharedDatabases?: boolean } = {},
): Promise<string> {
  const { matrix, findings } = await checkIsolation({ adminUrl, services, ...options })
  const databases = [...new Set(matrix.map(({ database }) => database))]
  const roles = [...new Set(matrix.map(({ role }) => role))]
  const rows = roles.map((role) => [
    showHidden(role),
    ...matrix
      .filter((cell) => cell.role === role)
      .map(({ outcome, expected, ok }) =>
        paint(!ok ? 'red' : expected === 'connected' ? 'green' : 'grey', outcome),
      ),
  ])
  const ofServices = options.sharedDatabases === false ? " service's" : ''
  const summary =
    findings.length === 0
      ? [paint('green', `isolated: each role reaches its own database and no other${ofServices}`)]
      : findings.map((finding) => paint('red', showHidden(`not isolated: ${finding}`)))
  return [renderTable([['role', ...databases.map(showHidden)], ...rows]), ...summary].join('\n')
}
