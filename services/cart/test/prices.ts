import { Problem } from '@shared/service'
import type { Product, ProductClient } from '../src/product-client.ts'

/** Products that a test knows by heart; it changes them as it likes. */
export function createPrices(): ProductClient & { set(product: Product): string } {
  const known = new Map<string, Product>()
  return {
    set(product) {
      known.set(product.id, product)
      return product.id
    },
    read(id) {
      const product = known.get(id)
      if (product !== undefined) return Promise.resolve(product)
      const detail = `There is no product ${id}.`
      return Promise.reject(new Problem({ status: 404, code: 'product-not-found', detail }))
    },
  }
}
