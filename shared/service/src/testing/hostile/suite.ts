import { expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import type { ServiceApp } from '../../context/context.ts'
import { startService } from '../start-service.ts'
import type { HostileRoute } from './attacks.ts'
import {
  attackMethods,
  attackRoute,
  type HostileSubject,
  sendTrickyTexts,
  unlistedRoutes,
  useRoutes,
} from './hostile-input.ts'
import { attackSockets } from './raw-sockets.ts'
import { changesOf, readTables } from './tables.ts'

/** A service under attack: `openService` opens it, the test fills it with what its routes' requests refer to. */
export interface HostileInputOptions {
  service: () => HostileSubject & { app: ServiceApp; url: string }
  /** The service's entry file: raw bytes go to a process of its own. */
  entry: string
  /** What its process needs in its environment beside the database. */
  env?: Record<string, string>
  /** Every route of the service. Those that delete what others need come last. */
  routes: readonly HostileRoute[]
}

/** Registers the tests that a service stands hostile input on every route: 4xx problems, and no row changes. */
export function testHostileInput({ service, entry, env = {}, routes }: HostileInputOptions): void {
  test('every route is attacked', () => {
    expect(unlistedRoutes(service().app, routes)).toEqual([])
  })

  test.each(routes)(
    '$method $path refuses hostile input with a 4xx problem and changes nothing',
    async (route) => {
      const { requests, findings } = await attackRoute(service(), route)
      expect(findings).toEqual([])
      // A route without any input has nothing to attack.
      const { params, query, headers, body } = route
      expect(requests > 20).toBe([params, query, headers, body].some((input) => input !== undefined))
    },
    60_000,
  )

  test('methods that an address does not have are 405', async () => {
    expect((await attackMethods(service(), routes)).findings).toEqual([])
  }, 60_000)

  test('raw bytes on the socket harm neither the service nor its rows', async () => {
    const { url: databaseUrl, database } = service()
    await using started = startService({
      entry,
      env: { ...env, DATABASE_URL: databaseUrl, DATABASE_NAME_CHECK: 'false', SHUTDOWN_DELAY: '0' },
    })
    const url = await started.url()
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 200, { timeoutMs: 30_000 })
    const before = await readTables(database.db)
    const findings: string[] = []
    for (const route of routes.filter(({ body }) => body !== undefined)) {
      findings.push(...(await attackSockets(url, route)).findings)
    }
    const changes = changesOf(before, await readTables(database.db))
    started.kill('SIGTERM')
    expect({ findings, changes, exitCode: await started.exited }).toEqual({
      findings: [],
      changes: { gone: [], added: [] },
      exitCode: 0,
    })
    expect(started.output()).not.toContain('"level":"error"')
  }, 120_000)

  // From here on rows change: what succeeds and what is accepted comes last.
  test('the requests that the attacks are made from succeed', async () => {
    expect(await useRoutes(service().app, routes)).toEqual([])
  }, 60_000)

  test('texts that look like attacks are texts where any text is allowed', async () => {
    for (const route of routes) expect((await sendTrickyTexts(service(), route)).findings).toEqual([])
  }, 60_000)
}
