import { heapStats } from 'bun:jsc'

/** Bytes in the heap once all garbage is gone. */
export async function heapBytes(): Promise<number> {
  let bytes = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < 10; pass++) {
    await new Promise((resolve) => setImmediate(resolve))
    Bun.gc(true)
    const { heapSize } = heapStats()
    if (heapSize >= bytes) break
    bytes = heapSize
  }
  return bytes
}
