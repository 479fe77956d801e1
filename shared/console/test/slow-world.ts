import { eventually } from '@shared/postgres/testing'
import { startWorld, type World, type WorldService } from '../src/testing/index.ts'

/** The product service with one connection, on which two requests were slow: one at a locked row, the other in the queue. */
export interface SlowWorld extends AsyncDisposable {
  readonly world: World
  readonly service: WorldService
  /** The detailed report as the service gives it. */
  report(): Promise<Report>
}

interface Report extends Record<string, unknown> {
  readonly pool: { readonly longestWaitMs: number | null }
  readonly blockages: readonly { readonly waiting: readonly { readonly waitedMs: number }[] }[] | null
  readonly slowRequests: { readonly fromMs: number; readonly list: readonly SlowRequest[] }
}

/** A request that was slow, with the parts of its time. */
interface SlowRequest {
  readonly durationMs: number
  readonly spans: readonly { readonly kind: string; readonly startMs: number; readonly durationMs: number }[]
}

const slowMs = 200

/** Starts it, and makes the two requests wait for as long as slow requests take. @param word Sent with them as a value. */
export async function startSlowWorld(word: string): Promise<SlowWorld> {
  await using stack = new AsyncDisposableStack()
  const env = {
    DATABASE_POOL_SIZE: '1',
    DATABASE_MAX_OVERFLOW: '0',
    DATABASE_SLOW_QUERY: String(slowMs / 1_000),
  }
  const world = stack.use(await startWorld({ services: ['product'], env }))
  const [service] = world.services
  if (service === undefined) throw new Error('no service was started')
  const { url, token } = service.target
  const post = async (path: string, body: unknown) => {
    const headers = { 'Content-Type': 'application/json' }
    return await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const report = async (): Promise<Report> => {
    const answer = await fetch(`${url}/health/detailed`, { headers: { Authorization: `Bearer ${token}` } })
    return (await answer.json()) as Report
  }
  const created = await post('/products', { sku: word, name: word, priceMinor: 1, currency: 'EUR' })
  const { id } = (await created.json()) as { id: string }
  const answers: Promise<Response>[] = []
  {
    await using _held = await service.hold(`update stock set quantity = 1 where product_id = '${id}'`)
    answers.push(post(`/products/${id}/stock`, { delta: 1 }))
    await eventually(async () => ((await report()).blockages?.length ?? 0) > 0)
    answers.push(post(`/products/${id}/stock`, { delta: 2 }))
    await eventually(async () => {
      const { pool, blockages } = await report()
      return (pool.longestWaitMs ?? 0) > slowMs && (blockages?.[0]?.waiting[0]?.waitedMs ?? 0) > slowMs
    })
  }
  await Promise.all(answers)
  const owned = stack.move()
  return { world, service, report, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
