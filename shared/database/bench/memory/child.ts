import { readFile } from 'node:fs/promises'
import { type PeerId, peers } from '../peers.ts'
import { heapBytes } from '../pools/heap.ts'

/** What the child is to do, as the JSON of its only argument. */
export interface MemoryTask {
  readonly peer: PeerId
  readonly url: string
  /** The pool's size. */
  readonly max: number
  readonly callers: number
  /** Queries altogether, run in `parts` between which the heap is measured. */
  readonly queries: number
  readonly parts: number
}

/** What it prints, as JSON: after loading the code, at the end, and after each part. */
export interface MemoryResult {
  readonly rssBefore: number
  readonly rss: number
  readonly heapBefore: number
  readonly heap: number
  /** The highest at any time; null where the system does not tell. */
  readonly rssPeak: number | null
  readonly heapEach: readonly number[]
}

async function measure({ peer, url, max, callers, queries, parts }: MemoryTask): Promise<MemoryResult> {
  const { select, close } = await peers[peer].open(url, { max, pool: { maxWaiting: 1_000_000 } })
  await select(0)
  const heapBefore = await heapBytes()
  const rssBefore = process.memoryUsage.rss()
  const heapEach: number[] = []
  for (let part = 0; part < parts; part++) {
    let left = Math.ceil(queries / parts)
    const caller = async (): Promise<void> => {
      while (left-- > 0) await select(left)
    }
    await Promise.all(Array.from({ length: callers }, caller))
    heapEach.push(await heapBytes())
  }
  const rss = process.memoryUsage.rss()
  const heap = heapEach.at(-1) ?? heapBefore
  const rssPeak = await highestRss()
  await close()
  return { rssBefore, rss, heapBefore, heap, rssPeak, heapEach }
}

/** Not from getrusage, whose number a process inherits from the one that started it. */
async function highestRss(): Promise<number | null> {
  if (process.platform !== 'linux') return null
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024
}

if (import.meta.main) {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? ''))))
  process.exit(0)
}
