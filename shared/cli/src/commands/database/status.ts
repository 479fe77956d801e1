import { defineCommand } from '../../command-line/command.ts'
import { explainError } from '../../command-line/explain-error.ts'
import { dataRootOption, findSetups } from '../../databases/admin-server.ts'
import { renderMigrations } from '../../databases/migration-table.ts'
import { statusOfMigrations } from '../../databases/migrations.ts'
import type { ServiceSetup } from '../../workspace/service-environment.ts'
import { findServices } from '../../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Shows each service's migrations and whether its database has them: applied, pending, drifted (its file was changed after it
was applied) or skipped (older than one that was applied, so that it never will be). Asks as the migrator and changes
nothing. Exit code 1 where a database does not answer, or a migration is drifted or skipped.`,
  options: {
    json: { type: 'boolean', description: 'Print JSON.' },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const setups = await findSetups(await findServices(positionals), { dataRoot: values['data-root'] })
    const reports = await Promise.all(setups.map(report))
    if (values.json) console.log(JSON.stringify(reports))
    else console.log(reports.map(renderMigrations).join('\n\n'))
    const isWrong = reports.some(
      ({ error, migrations }) =>
        error !== null || migrations.some(({ state }) => state === 'drifted' || state === 'skipped'),
    )
    return isWrong ? 1 : 0
  },
})

async function report(setup: ServiceSetup) {
  const { service, database } = setup.service
  try {
    return { service, database, error: null, ...(await statusOfMigrations(setup)) }
  } catch (error) {
    return { service, database, error: explainError(error).message, migrations: [], foreign: 0 }
  }
}
