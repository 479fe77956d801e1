import { rotate, runLoad } from '../kit/index.ts'
import { type PeerId, peers } from '../peers.ts'
import type { PeerOptions, Queries } from '../queries.ts'
import type { Context } from './scenario.ts'

/** Connections of each peer's pool. */
export const poolSize = 10

const settleMs = 50

/**
 * Puts every peer under the same load in turn, all in this process: each warm, in rounds whose order rotates. One caller
 * makes too few calls for its code to be compiled, so the most callers that there are warm it for all.
 *
 * @param options.call What a call is with a peer; null leaves the peer out.
 */
export async function compareLoads(
  context: Context,
  options: {
    scenario: string
    /** Appended to the name of each variant. */
    suffix?: string
    url: string | ((peer: PeerId) => string)
    peers: readonly PeerId[]
    callers: readonly number[]
    peerOptions?: Partial<PeerOptions>
    call: (queries: Queries) => ((n: number) => Promise<unknown>) | null
  },
): Promise<void> {
  const { size, collector, step } = context
  const { scenario, suffix = '' } = options
  await using stack = new AsyncDisposableStack()
  const open: { id: PeerId; call: (n: number) => Promise<unknown> }[] = []
  for (const id of options.peers) {
    const url = typeof options.url === 'string' ? options.url : options.url(id)
    const queries = await peers[id].open(url, { max: poolSize, ...options.peerOptions })
    stack.defer(async () => void (await queries.close()))
    const call = options.call(queries)
    if (call) open.push({ id, call })
  }
  for (const { id, call } of open) {
    step(`${scenario}${suffix}: warming ${peers[id].title}`)
    await runLoad({ callers: Math.max(...options.callers), durationMs: size.roundMs * 2, call })
  }
  for (const callers of options.callers) {
    const variant = `${countCallers(callers)}${suffix}`
    for (let round = 0; round < size.rounds; round++) {
      for (const { id, call } of rotate(open, round)) {
        step(`${scenario}, ${variant}: round ${round + 1} of ${size.rounds}, ${peers[id].title}`)
        Bun.gc(true)
        await runLoad({ callers, durationMs: settleMs, call })
        collector.add(scenario, variant, id, await runLoad({ callers, durationMs: size.roundMs, call }))
      }
    }
  }
}

/** What variants are called: `1 caller`, `64 callers`. */
export const countCallers = (callers: number): string => `${callers} caller${callers === 1 ? '' : 's'}`
