import { defineCommand } from '../command-line/command.ts'
import { dataRootOption, findSetups, givenAdminUrl } from '../databases/admin-server.ts'
import { isolationTable } from '../databases/isolation-table.ts'
import { rolesOf } from '../databases/provisioning.ts'
import { type Diagnosis, diagnose } from '../doctor/diagnose.ts'
import { applyChanges } from '../doctor/environment-file.ts'
import { examine } from '../doctor/examine.ts'
import { paint } from '../terminal/paint.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Looks at the environment and the database of each service and lists what works and, in order, what to change, with the
commands that do it: variables of another stack, roles that several services share, ownership, tables that no migration has
made. Changes nothing without --fix. Exit code 1 where something is to be done. docs/porting.md tells the whole way.`,
  options: {
    fix: {
      type: 'boolean',
      description: 'Rewrite the lines of services/<name>/.env.local that it names; the old file is kept.',
    },
    ...dataRootOption,
  },
  positionals: true,
  async run({ values, positionals }) {
    const services = await findServices(positionals)
    const setups = await findSetups(services, { dataRoot: values['data-root'] })
    const found = await Promise.all(setups.map(examine))
    const adminUrl = givenAdminUrl()
    const diagnosis = diagnose(found, { adminGiven: adminUrl !== undefined })
    if (values.fix) return fix(diagnosis)
    console.log(render(diagnosis))
    if (diagnosis.steps.length > 0) return 1
    if (adminUrl === undefined) {
      console.log(paint('green', 'isolated: each service has a role that is confined to its own database'))
      return 0
    }
    const table = await isolationTable(
      adminUrl,
      setups.map((setup) => rolesOf(setup)),
      { sharedDatabases: false },
    )
    console.log(table)
    return table.includes('not isolated') ? 1 : 0
  },
})

function fix({ changes }: Diagnosis): number {
  for (const [{ setup }, list] of changes) {
    if (list.length === 0) continue
    const { file, before } = applyChanges(setup.service, list)
    console.log(`${file} was rewritten; what it was is in ${before}`)
    for (const { text } of list) console.log(`  ${text}`)
  }
  if ([...changes.values()].every((list) => list.length === 0)) console.log('there is nothing to rewrite')
  return 0
}

function render({ works, steps, notes }: Diagnosis): string {
  return [
    ...works.map((text) => `${paint('green', 'works')}  ${text}`),
    ...steps.flatMap(({ title, details, commands }, index) => [
      '',
      paint('yellow', `${index + 1}. ${title}`),
      ...details.map((text) => `   - ${text}`),
      ...commands.map((command) => `     ${command}`),
    ]),
    ...(steps.length > 0 ? ['', `${steps.length + 1}. look again`, '     bun run doctor'] : []),
    ...notes.map((text) => `${paint('cyan', 'note')}   ${text}`),
  ].join('\n')
}
