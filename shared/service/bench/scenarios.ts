import { compareTo, type Metric, rotate } from '@shared/database/bench'
import { requestOf, runLoad } from './load/run-load.ts'
import type { Context, Scenario } from './scenario.ts'
import { start } from './start.ts'
import type { ServerName } from './world.ts'

/** A request that is sent again and again. */
interface Target {
  readonly server: ServerName
  readonly request: string
  readonly status: number
}

/** Connections of the load generator. */
export const connections = 64

const variant = `${connections} connections`
const loadMetrics: readonly Metric[] = [
  { id: 'perSecond', title: 'requests/s', better: 'higher' },
  { id: 'p50Ms', title: 'p50 ms', better: 'lower' },
  { id: 'p99Ms', title: 'p99 ms', better: 'lower' },
  { id: 'rssMb', title: 'RSS MB', better: null },
  { id: 'clientUs', title: 'generator cpu µs', better: null },
]
const get = (server: ServerName, path: string): Target => ({
  server,
  request: requestOf('GET', path),
  status: 200,
})

/** Routes of the services, beside the least that Bun and Hono can do. */
const routes: Scenario = {
  title: 'routes',
  metrics: loadMetrics,
  run: (context) =>
    compare(context, 'routes', {
      plain: get('plain', '/plain'),
      livez: get('product', '/livez'),
      health: get('product', '/health'),
      detailed: get('product', '/health/detailed'),
      'read-product': get('product', `/products/${context.world.productId}`),
      'read-cart': get('cart', `/carts/${context.world.cartId}`),
      'write-cart': {
        server: 'cart',
        request: requestOf('POST', '/carts', { currency: 'EUR' }),
        status: 201,
      },
    }),
  bars: (results) => {
    const where = { scenario: 'routes', variant, us: 'health' }
    return [
      compareTo(results, 'livez', {
        ...where,
        metric: 'perSecond',
        text: '/health: at least 0.8 × /livez',
        atLeast: 0.8,
      }),
      compareTo(results, 'livez', {
        ...where,
        metric: 'p99Ms',
        text: '/health: p99 at most 2 × that of /livez',
        atMost: 2,
      }),
    ]
  },
}

/** One route over this layer, in a whole service, and over stock Drizzle on postgres.js, in nothing. */
const product: Scenario = {
  title: 'GET /products/:id',
  metrics: loadMetrics,
  run: (context) => {
    const path = `/products/${context.world.productId}`
    return compare(context, 'product', {
      ours: get('product', path),
      stock: get('stock', path),
      'stock-prepared': get('stock-prepared', path),
    })
  },
  bars: (results) => {
    const where = { scenario: 'product', variant }
    return [
      compareTo(results, 'stock', {
        ...where,
        metric: 'perSecond',
        text: '/products/:id: at least 2 × stock drizzle/postgres-js',
        atLeast: 2,
      }),
      compareTo(results, 'stock', {
        ...where,
        metric: 'p99Ms',
        text: '/products/:id: p99 below that of stock drizzle/postgres-js',
        atMost: 1,
      }),
    ]
  },
}

/** All scenarios, in the order in which they run. */
export const scenarios = { routes, product, start } satisfies Record<string, Scenario>

export type ScenarioId = keyof typeof scenarios

export const scenarioIds = Object.keys(scenarios) as ScenarioId[]

/** What the lines of the tables are called, in their order. */
export const titles: Readonly<Record<string, string>> = {
  plain: 'plain Hono route',
  livez: 'GET /livez',
  health: 'GET /health',
  detailed: 'GET /health/detailed',
  'read-product': 'GET /products/:id',
  'read-cart': 'GET /carts/:id',
  'write-cart': 'POST /carts',
  ours: 'product service',
  stock: 'stock drizzle/postgres-js',
  'stock-prepared': 'stock .prepare()',
  empty: 'Hono and nothing else',
}

async function compare(
  { world, collector, rounds, roundMs, step }: Context,
  scenario: string,
  targets: Readonly<Record<string, Target>>,
): Promise<void> {
  const load = ({ server, request, status }: Target, durationMs: number) =>
    runLoad({ port: world.servers[server].port, request, status, connections, durationMs })
  for (const [id, target] of Object.entries(targets)) {
    step(`${scenario}: warming ${titles[id]}`)
    await load(target, roundMs / 2)
  }
  for (let round = 0; round < rounds; round++) {
    for (const [id, target] of rotate(Object.entries(targets), round)) {
      step(`${scenario}: round ${round + 1} of ${rounds}, ${titles[id]}`)
      const { requests, seconds, p50Ms, p99Ms, cpuUs } = await load(target, roundMs)
      const rss = await world.servers[target.server].rss()
      collector.add(scenario, variant, id, {
        perSecond: requests / seconds,
        p50Ms,
        p99Ms,
        rssMb: rss / 2 ** 20,
        clientUs: cpuUs,
      })
    }
  }
}
