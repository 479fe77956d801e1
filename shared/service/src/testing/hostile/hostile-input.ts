import { serviceIndex } from '../../api/index-route.ts'
import type { ServiceApp } from '../../context/context.ts'
import { type Attack, attacksOn, type HostileRoute, harmless, trickyButFine } from './attacks.ts'
import { changesOf, readTables } from './tables.ts'

/** A service as `openService` opens it. */
export interface HostileSubject {
  app: ServiceApp
  database: { db: Parameters<typeof readTables>[0] }
}

/** How many requests were sent, and what was wrong with the answers. */
export interface HostileReport {
  requests: number
  findings: string[]
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY']
const ownRoutes = new Set([
  '/',
  '/livez',
  '/readyz',
  '/health',
  '/health/detailed',
  '/health/monitor',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/docs/:file',
])

/** Routes of the app that the list leaves out, so that a new route cannot be forgotten. */
export function unlistedRoutes(app: ServiceApp, routes: readonly HostileRoute[]): string[] {
  const listed = new Set(routes.map(({ method, path }) => `${method} ${path}`))
  return serviceIndex(app, '', '')
    .routes.filter(({ path }) => !ownRoutes.has(path))
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !listed.has(route))
}

/** Sends a route what it has to refuse: each answer must be a 4xx problem, and no row may have changed. */
export async function attackRoute(service: HostileSubject, route: HostileRoute): Promise<HostileReport> {
  const { db } = service.database
  const attacks = attacksOn(route)
  const before = await readTables(db)
  const findings = await judgeAll(service.app, attacks, (status) => status >= 400 && status < 500)
  findings.push(...named(`${route.method} ${route.path}`, changesOf(before, await readTables(db))))
  return { requests: attacks.length, findings }
}

/** Sends texts that look like attacks where any text is allowed: none may cause a 5xx or change a row that was there. */
export async function sendTrickyTexts(service: HostileSubject, route: HostileRoute): Promise<HostileReport> {
  const { db } = service.database
  const requests = trickyButFine(route)
  const before = await readTables(db)
  const findings = await judgeAll(service.app, requests, (status) => status < 500)
  const { gone } = changesOf(before, await readTables(db))
  findings.push(...named(`${route.method} ${route.path}`, { gone, added: [] }))
  return { requests: requests.length, findings }
}

/** Sends every address the methods it does not have: 405, and no row may have changed. */
export async function attackMethods(
  service: HostileSubject,
  routes: readonly HostileRoute[],
): Promise<HostileReport> {
  const attacks = routes.flatMap((route) => {
    const taken = routes.filter(({ path }) => path === route.path).map(({ method }) => method as string)
    const { path } = harmless(route)
    return methods
      .filter((method) => !taken.includes(method))
      .map((method) => ({ name: `${method} ${route.path}`, path, init: { method, headers: {} } }))
  })
  const before = await readTables(service.database.db)
  const findings = await judgeAll(service.app, attacks, (status) => status === 405)
  findings.push(...named('methods', changesOf(before, await readTables(service.database.db))))
  return { requests: attacks.length, findings }
}

/** Sends each route its harmless request: where that failed, the attacks would have proved nothing. */
export async function useRoutes(app: ServiceApp, routes: readonly HostileRoute[]): Promise<string[]> {
  const findings: string[] = []
  for (const route of routes) {
    const { name, path, init } = harmless(route)
    const { status } = await app.request(path, init)
    if (status >= 300) findings.push(`${name}: ${status}`)
  }
  return findings
}

async function judgeAll(
  app: ServiceApp,
  attacks: readonly Attack[],
  isRight: (status: number) => boolean,
): Promise<string[]> {
  const findings: string[] = []
  for (const { name, path, init } of attacks) {
    const response = await app.request(path, init)
    const fault = await faultOf(response, isRight)
    if (fault !== null) findings.push(`${name}: ${response.status} ${fault}`)
  }
  return findings
}

/** What is wrong with an answer; null when nothing is. */
async function faultOf(response: Response, isRight: (status: number) => boolean): Promise<string | null> {
  const text = await response.text()
  if (!isRight(response.status)) return `is not what it should be: ${text.slice(0, 200)}`
  if (response.status < 400) return null
  if (response.headers.get('Content-Type') !== 'application/problem+json') return 'is no problem document'
  if (/Failed query|PostgresError|syntax error|\bat \S+:\d+/i.test(text)) return `shows internals: ${text}`
  const problem = JSON.parse(text) as Record<string, unknown>
  if (typeof problem.code !== 'string' || problem.code === 'internal') return `has no code: ${text}`
  const id = response.headers.get('X-Request-Id')
  return id !== null && problem.requestId === id ? null : 'has another request id than its header'
}

function named(where: string, { gone, added }: { gone: string[]; added: string[] }): string[] {
  return [
    ...gone.map((table) => `${where}: a row of ${table} is gone or changed`),
    ...added.map((table) => `${where}: a row of ${table} is new or changed`),
  ]
}
