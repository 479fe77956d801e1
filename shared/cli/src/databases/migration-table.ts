import type { MigrationState, MigrationStatus } from '@shared/database'
import { type Colour, paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/text.ts'

const colours: Readonly<Record<MigrationState, Colour>> = {
  applied: 'green',
  pending: 'yellow',
  drifted: 'red',
  skipped: 'red',
}

/** The migrations of one database as a table, with what to do below it. */
export function renderMigrations({
  service,
  database,
  error,
  migrations,
  foreign,
}: MigrationStatus & { service: string; database: string; error: string | null }): string {
  if (error !== null) return `${database}\n${paint('red', error)}`
  const rows = migrations.map(({ name, state }) => [name, paint(colours[state], state)])
  const has = (state: MigrationState): boolean => migrations.some((migration) => migration.state === state)
  const advice = [
    ...(has('pending') ? [`apply what is pending: bun run db:migrate ${service}`] : []),
    ...(has('pending') && !has('applied') && foreign === 0
      ? [`if the tables exist already: bun run db:baseline ${service}`]
      : []),
    ...(has('drifted')
      ? [
          'drifted: the file is not what was applied; restore it, and write what is to change as a new migration',
        ]
      : []),
    ...(has('skipped')
      ? [
          `skipped: older than one that was applied; remove it and generate it anew: bun run db:generate ${service}`,
        ]
      : []),
    ...(foreign > 0
      ? [`${foreign} more are recorded that are not in this folder: a newer version applied them`]
      : []),
  ]
  return [database, renderTable([['migration', 'state'], ...rows]), ...advice].join('\n')
}

/** The names of the migrations that are not applied yet, in their order. */
export function pendingNames({ migrations }: MigrationStatus): string[] {
  return migrations.filter(({ state }) => state === 'pending').map(({ name }) => name)
}

/** `2 migrations pending for product: bun run db:migrate product`; null where none is. */
export function pendingNotice(service: string, status: MigrationStatus): string | null {
  const count = pendingNames(status).length
  if (count === 0) return null
  return `${count} migration${count === 1 ? '' : 's'} pending for ${service}: bun run db:migrate ${service}`
}
