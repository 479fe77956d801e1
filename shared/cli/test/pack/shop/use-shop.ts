import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase } from '@shared/database'
import { withDatabase } from '@shared/postgres/testing'
import { repositoryRoot } from '../../../src/workspace/packages.ts'
import { shellEnvironment } from '../../command-line.ts'
import type { Project } from '../project.ts'

/** The service of docs/use-in-your-project.md, as it is after the change. */
const example = join(repositoryRoot, 'shared/database/test/adopt')

/** Puts the service's files into a project's `src/shop`. */
export function addShop(project: Project): void {
  for (const file of ['index.ts', 'database.ts', 'schema.ts'])
    project.write(`src/shop/${file}`, readFileSync(join(example, 'after', file), 'utf8'))
}

/** Runs the service on a database of its own, sends requests to it, and ends it by a signal. */
export async function useShop(project: Project, command: readonly string[]) {
  const migration = readFileSync(join(example, 'migration.sql'), 'utf8')
  const template = {
    key: migration,
    prepare: ({ ownerUrl }: { ownerUrl: string }) => migrate(ownerUrl, migration),
  }
  await using database = await withDatabase({ template })
  const child = Bun.spawn([...command], {
    cwd: project.folder,
    env: shellEnvironment({ DATABASE_URL: database.ownerUrl, PORT: '0' }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const stderr = child.stderr.text()
  const { value } = await child.stdout.getReader().read()
  const port = new TextDecoder().decode(value).trim()
  if (port === '') throw new Error(`The service did not start:\n${await stderr}`)
  const ask = async (path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, body: await response.text() }
  }
  const lamp = { sku: 'lamp', stock: 5, tags: ['warm'], details: { colour: 'red' } }
  const answers = [
    await ask('/products', lamp),
    await ask('/products', lamp),
    await ask('/products/lamp/orders', { quantity: 2 }),
    await ask('/products/lamp/orders', { quantity: 9 }),
    await ask('/products/lamp'),
    await ask('/products/none'),
  ].map(({ status, body }) => [status, body.replace(/"id":"[^"]*"/, '"id"')])
  child.kill('SIGTERM')
  return { exitCode: await child.exited, stderr: await stderr, answers }
}

/** What is expected of `useShop`. */
export const servedInOrder = {
  exitCode: 0,
  stderr: '',
  answers: [
    [201, '{"id","sku":"lamp","stock":5,"tags":["warm"],"details":{"colour":"red"}}'],
    [409, '{"error":"taken"}'],
    [201, '{"quantity":2}'],
    [409, '{"error":"not enough"}'],
    [
      200,
      '{"id","sku":"lamp","stock":3,"tags":["warm"],"details":{"colour":"red"},"orders":[{"quantity":2}]}',
    ],
    [404, '404 Not Found'],
  ],
}

async function migrate(url: string, text: string): Promise<void> {
  const database = createDatabase({ name: 'migration', url })
  await database.db.execute(text)
  await database.close()
}
