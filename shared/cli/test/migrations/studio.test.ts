import { expect, test } from 'bun:test'
import { eventually, lastingPort, withDatabase } from '@shared/postgres/testing'
import { startCli } from '../command-line.ts'

const patience = { intervalMs: 50 }

test('db:studio serves the database of a service as its migrator, and leaves no process', async () => {
  await using database = await withDatabase({ service: 'product' })
  const { username, password } = new URL(database.migratorUrl)
  const port = await lastingPort()
  const child = startCli(['db:studio', 'product', '--', `--port=${port}`], {
    DATABASE_URL: database.appUrl,
    DATABASE_NAME_CHECK: 'false',
    MIGRATION_USER: username,
    MIGRATION_PASSWORD: decodeURIComponent(password),
  })
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    )
  try {
    await eventually(answers, patience)
  } finally {
    child.kill('SIGTERM')
    await child.exited
  }
  await eventually(async () => !(await answers()), patience)
  expect(await child.stdout.text()).toContain('Drizzle Studio is up and running')
}, 120_000)
