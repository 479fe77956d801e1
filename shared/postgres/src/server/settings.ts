import { openSession } from '../admin-connection.ts'
import type { RunningServer } from './running-server.ts'

/** Tells which settings of a joined server differ from those that were asked for. */
export async function reportSettings(
  server: RunningServer,
  settings: Readonly<Record<string, string>>,
  onNotice: (line: string) => void,
): Promise<void> {
  const names = Object.keys(settings)
  if (names.length === 0) return
  await using session = await openSession(server.adminUrl)
  const rows = await session.sql<{ name: string; value: string | null }[]>`
    select name, current_setting(name, true) as value from unnest(string_to_array(${names.join(',')}, ',')) as name`
  const different = rows
    .filter((row) => row.value !== settings[row.name])
    .map(({ name, value }) => `${name} = ${value}, not ${settings[name]}`)
  if (different.length > 0)
    onNotice(`PostgreSQL runs already, with the settings of its start: ${different.join('; ')}`)
}
