import { type Audit, audit } from './audit.ts'
import type { LoadResult } from './messages.ts'
import { noNameHere } from './name.ts'
import { startPeer } from './peer-process.ts'
import { type PeerId, peerIds } from './peers.ts'
import { type Scenario, type ScenarioId, scenarios } from './scenarios.ts'
import { createWorld } from './world.ts'

/** What one peer did in one scenario, or how its process died. */
export type Outcome =
  | { readonly result: Omit<LoadResult, 'claims'> & Audit; readonly died: null }
  | { readonly result: null; readonly died: string }

/** One line of a table. */
export type Cell = { readonly scenario: ScenarioId; readonly peer: PeerId } & Outcome

export interface ClusterReport {
  readonly server: string
  readonly cells: readonly Cell[]
}

/**
 * Runs each scenario with each peer, one after the other, each on a cluster of its own.
 *
 * @param options.onProgress Told in a line what runs now.
 * @throws the signal's reason when it fires; the servers are stopped then as always.
 */
export async function runClusterFaults(options: {
  only: readonly ScenarioId[]
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<ClusterReport> {
  const { only, signal, onProgress } = options
  const runs = only.flatMap((scenario) => peerIds.map((peer) => ({ scenario, peer })))
  const cells: Cell[] = []
  let server = ''
  for (const [index, { scenario, peer }] of runs.entries()) {
    signal.throwIfAborted()
    onProgress(`${index + 1}/${runs.length} ${scenario}: ${peer}`)
    const { version, ...outcome } = await runCell(scenarios[scenario], peer, signal)
    server ||= version
    cells.push({ scenario, peer, ...outcome })
  }
  return { server, cells }
}

async function runCell(
  scenario: Scenario,
  peer: PeerId,
  signal: AbortSignal,
): Promise<Outcome & { version: string }> {
  const why = scenario.isNamed ? await noNameHere() : null
  if (why !== null) return { version: '', result: null, died: `not measured: ${why}` }
  await using world = await createWorld(scenario)
  const { version, cluster } = world
  await using child = startPeer({ peer, place: world.place }, world.name?.launcher ?? [], signal)
  try {
    await child.warm
    await child.mark()
    await scenario.run(world, child.promoted)
    const { claims, ...seen } = await child.over()
    const found = audit(claims, await world.writesOn(cluster.primary))
    return { version, result: { ...seen, ...found }, died: null }
  } catch (error) {
    signal.throwIfAborted()
    return { version, result: null, died: error instanceof Error ? error.message : String(error) }
  }
}
