import { describePlace } from './place.ts'
import type { PoolConnection } from './slot.ts'
import type { Supply } from './supply.ts'

/** True when every connection there can be is held by a caller that itself waits for one. */
export function isDeadlocked<C extends PoolConnection>({ slots, limit }: Supply<C>): boolean {
  if (slots.size < limit) return false
  for (const slot of slots) if (!slot.exclusive || slot.nestedWaits === 0) return false
  return true
}

/** Where each connection was taken. */
export function heldPlaces<C extends PoolConnection>({ slots }: Supply<C>): string[] {
  return Array.from(slots, ({ place }) => (place ? describePlace(place) : 'an unknown place'))
}
