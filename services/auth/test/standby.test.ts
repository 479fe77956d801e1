import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { openClusterService, type TestClusterService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

let service: TestClusterService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
  )
  service = await openClusterService({ service: 'auth', schema, migrationsFolder, createApp })
}, 60_000)
afterAll(() => service?.[Symbol.asyncDispose](), 60_000)

test('a session is checked on the primary: one that was ended is over, however far a standby is behind', async () => {
  const credentials = { email: 'ada@example.org', password: 'correct horse battery' }
  const { body: user } = await service.send('POST', '/users', credentials)
  await service.resumeReplay()
  await service.pauseReplay()
  const { body: session } = await service.send('POST', '/sessions', credentials)
  const bearer = { Authorization: `Bearer ${session.token}` }
  const status = async (method: string, path: string, headers = {}) =>
    (await service.send(method, path, undefined, headers)).status
  const userRead = await service.fromStandby(() => status('GET', `/users/${user.id}`))
  const before = service.database.readCounts()
  expect({
    user: userRead,
    signedIn: await status('GET', '/sessions/current', bearer),
    signOut: await status('DELETE', '/sessions/current', bearer),
    signedOut: await status('GET', '/sessions/current', bearer),
    reads: service.database.readCounts(),
  }).toEqual({
    user: 200,
    signedIn: 200,
    signOut: 204,
    signedOut: 401,
    reads: before,
  })
}, 60_000)
