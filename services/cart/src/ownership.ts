import { carts } from '@schema/cart'
import { Problem } from '@shared/service'
import { eq, isNull, or, type SQL } from 'drizzle-orm'

/**
 * The carts that a user may see and change: their own, and those of nobody whose id they know. Of another one's cart nobody learns
 * that it exists.
 *
 * @param userId undefined: sessions are not asked for, and every cart is open.
 */
export function ownedBy(userId: string | undefined): SQL | undefined {
  return userId === undefined ? undefined : or(isNull(carts.userId), eq(carts.userId, userId))
}

/** {@link ownedBy} for a cart that was read. */
export function isOwnedBy(cart: { userId: string | null }, userId: string | undefined): boolean {
  return userId === undefined || cart.userId === null || cart.userId === userId
}

/** Whose a new cart is. @throws {Problem} 403: it was asked for on behalf of somebody else. */
export function ownerOf(asked: string | undefined, userId: string | undefined): string | undefined {
  if (userId === undefined || asked === undefined || asked === userId) return userId ?? asked
  throw new Problem({ status: 403, code: 'forbidden', detail: 'A cart can be opened for oneself only.' })
}
