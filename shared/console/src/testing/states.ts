import { eventually } from '@shared/postgres/testing'
import { createObserver } from '../observe.ts'
import type { ServiceStatus, ServiceView } from '../wire.ts'
import { type ClusterWorld, startClusterWorld, type WorldService } from './world.ts'

/** What {@link passStates} brings services into, in this order. */
export const stateNames = ['healthy', 'loaded', 'blocked', 'failed-over', 'down', 'recovered'] as const
export type StateName = (typeof stateNames)[number]

/** A state that was reached. */
export interface WorldState {
  readonly name: StateName
  /** How each service is in it. */
  readonly statuses: Readonly<Record<string, ServiceStatus>>
}

const poolSize = 4
const maxOverflow = 4
/** Requests that wait for one locked row. */
const blockedRequests = 60

/** Starts every service on a primary with a standby: small pools, and callers who wait for as long as a state is looked at. */
export function startStatesWorld(): Promise<ClusterWorld> {
  const env = {
    DATABASE_POOL_SIZE: String(poolSize),
    DATABASE_MAX_OVERFLOW: String(maxOverflow),
    DATABASE_POOL_TIMEOUT: '300',
    REQUEST_TIMEOUT: '600',
  }
  return startClusterWorld({ standbys: 1, env })
}

/**
 * Brings services that have visitors into one state after the other; each lasts until the next one is asked for.
 *
 * @param world One of {@link startStatesWorld}, used once.
 */
export async function* passStates({ cluster, services }: ClusterWorld): AsyncGenerator<WorldState, void> {
  const product = services.find(({ target }) => target.name === 'product')
  const [standby] = cluster.standbys
  if (product === undefined || standby === undefined) throw new Error('product or the standby is missing')
  const reach = reachIn(services)
  const shelves = await addProducts(product, poolSize + maxOverflow)
  await using _visitors = repeat(services.flatMap((service) => Array(4).fill(() => visit(service))))

  yield await reach('healthy', { isReached: (view) => rolesIn(view) === 'primary,standby' })
  {
    // Fewer than there are connections: nobody waits.
    const busy = shelves.slice(0, poolSize + 2).map((shelf) => () => changeStock(shelf))
    await using _load = repeat(busy)
    yield await reach('loaded', { isReached: isOf('product', ({ pool }) => pool.overflow > 0) })
  }
  {
    await using _lock = await lockShelf(product, shelves[0] ?? '')
    yield await reach('blocked', {
      statuses: { product: 'degraded' },
      isReached: isOf(
        'product',
        ({ pool, blockages }) => blockages.length > 0 && pool.checkedOut + pool.waiting >= blockedRequests,
      ),
    })
  }
  const old = cluster.primary
  await old.kill()
  await cluster.promote(standby)
  yield await reach('failed-over', { isReached: (view) => rolesIn(view) === 'primary,unreachable' })

  await standby.stop()
  const all = services.map(({ target }) => [target.name, 'unhealthy'] as const)
  yield await reach('down', { statuses: Object.fromEntries(all) })

  await standby.start()
  await cluster.rejoin(old)
  yield await reach('recovered', { isReached: (view) => rolesIn(view) === 'primary,standby' })
}

/** What is awaited of a state; a service that is not named is healthy. */
interface Expected {
  readonly statuses?: Readonly<Record<string, ServiceStatus>>
  readonly isReached?: (view: ServiceView) => boolean
}

function reachIn(services: readonly WorldService[]) {
  const observers = services.map(({ target }) => createObserver(target))
  return async (
    name: StateName,
    { statuses = {}, isReached = () => true }: Expected,
  ): Promise<WorldState> => {
    const expected = Object.fromEntries(
      observers.map(({ target }) => [target.name, statuses[target.name] ?? 'healthy']),
    )
    await eventually(async () => {
      await Promise.all(observers.map((observer) => observer.poll()))
      const views = observers.map((observer) => observer.view())
      return views.every((view) => view.status === expected[view.name] && isReached(view))
    })
    return { name, statuses: expected }
  }
}

/** A condition for one service, which the others fulfil in any case. */
const isOf =
  (name: string, condition: (report: NonNullable<ServiceView['report']>) => boolean) =>
  (view: ServiceView): boolean =>
    view.name !== name || (view.report !== null && condition(view.report))

/** What the hosts of its database are: `primary,standby`. */
const rolesIn = ({ report }: ServiceView): string =>
  (report?.cluster?.hosts ?? [])
    .map(({ role }) => role)
    .toSorted()
    .join()

/** Does each of these again and again until it is disposed; what fails is part of some states. */
function repeat(actions: readonly (() => Promise<unknown>)[]): AsyncDisposable {
  let isOver = false
  const loops = actions.map(async (act) => {
    while (!isOver) await act()
  })
  return {
    async [Symbol.asyncDispose]() {
      isOver = true
      await Promise.all(loops)
    },
  }
}

/** Sends a request, and reads for a moment. */
async function visit({ target, path }: WorldService): Promise<void> {
  await request(`${target.url}${path}`)
  await Bun.sleep(20 + Math.random() * 100)
}

/** Adds products, and returns the addresses of their stock. */
async function addProducts({ target }: WorldService, count: number): Promise<string[]> {
  const shelves: string[] = []
  for (let number = 1; number <= count; number++) {
    const product = { sku: `TEA-${number}`, name: 'Tea', priceMinor: 450, currency: 'EUR' }
    const response = await fetch(`${target.url}/products`, post(product))
    const { id } = (await response.json()) as { id: string }
    shelves.push(`${target.url}/products/${id}/stock`)
  }
  return shelves
}

const changeStock = (shelf: string): Promise<void> => request(shelf, post({ delta: 1 }))

/** Locks the row behind the address, and lets requests wait for it until it is disposed. */
async function lockShelf(product: WorldService, shelf: string): Promise<AsyncDisposable> {
  const id = shelf.split('/').at(-2)
  const held = await product.hold(`update stock set quantity = quantity + 1 where product_id = '${id}'`)
  const asked = Array.from({ length: blockedRequests }, () => changeStock(shelf))
  return {
    async [Symbol.asyncDispose]() {
      await held[Symbol.asyncDispose]()
      await Promise.all(asked)
    },
  }
}

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})

async function request(url: string, init?: RequestInit): Promise<void> {
  const response = await fetch(url, init).catch(() => null)
  await response?.body?.cancel()
}
