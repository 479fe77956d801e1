import type { LoadResult } from './messages.ts'
import { startPeer } from './peer-process.ts'
import { availablePeers, type PeerId } from './peers.ts'
import { type Scenario, type ScenarioId, scenarios } from './scenarios.ts'
import { createWorld, type World } from './world.ts'

/** One cell of the table: what one peer did in one scenario, or how its process died. */
export type Cell = { scenario: ScenarioId; peer: PeerId } & (
  | { result: LoadResult; died: null }
  | { result: null; died: string }
)

export interface FaultReport {
  readonly server: string
  readonly cells: readonly Cell[]
}

/**
 * Runs each scenario with each peer, one after the other.
 *
 * @param options.onProgress Told in a line what runs now.
 * @throws the signal's reason when it fires; the server is stopped then as always.
 */
export async function runFaults(options: {
  only: readonly ScenarioId[]
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<FaultReport> {
  const { only, signal, onProgress } = options
  onProgress('starting a server')
  await using world = await createWorld()
  const runs = only.flatMap((scenario) => availablePeers().map((peer) => ({ scenario, peer })))
  const cells: Cell[] = []
  for (const [index, { scenario, peer }] of runs.entries()) {
    signal.throwIfAborted()
    onProgress(`${index + 1}/${runs.length} ${scenario}: ${peer}`)
    cells.push({ scenario, peer, ...(await runCell(world, scenarios[scenario], peer, signal)) })
  }
  return { server: world.version, cells }
}

async function runCell(
  world: World,
  scenario: Scenario,
  peer: PeerId,
  signal: AbortSignal,
): Promise<{ result: LoadResult; died: null } | { result: null; died: string }> {
  await world.proxy.set('forward')
  const url = scenario.through === 'proxy' ? world.proxy.url(world.url) : world.url
  const { hasLongStatement = false } = scenario
  await using child = startPeer({ peer, url, hasLongStatement }, signal)
  let healed: Promise<void> | null = null
  try {
    await child.warm
    if (scenario.asAdmin) await world.admin()
    await child.mark()
    healed = scenario.run(world, child.happened)
    const [result] = await Promise.all([child.result, healed])
    return { result, died: null }
  } catch (error) {
    await healed
    signal.throwIfAborted()
    return { result: null, died: error instanceof Error ? error.message : String(error) }
  }
}
