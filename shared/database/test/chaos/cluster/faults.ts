import { eventually } from '@shared/postgres/testing'
import type { Fault } from '../faults.ts'
import type { Random } from '../random.ts'
import { pause, type World } from '../world.ts'
import type { ClusterAct, Control, ServerAct } from './control.ts'
import type { ClusterFault } from './plan.ts'

/** The world's servers, and what a fault does to them. */
interface Hands {
  readonly world: World
  readonly control: Control
  readonly random: Random
  readonly act: (act: ServerAct | ClusterAct) => Promise<void>
  /** Waits for up to so long, but not beyond the end of the load. */
  readonly wait: (mostMs: number) => Promise<void>
  readonly standby: () => number
}

type ServerFault = (hands: Hands) => Promise<void>

/** A fault of the servers of a cluster. */
export const breakCluster =
  (name: ClusterFault): Fault =>
  async (world, random) => {
    const { control, ledger, proxies, stopping } = world
    if (!control) return
    await faults[name]({
      world,
      control,
      random,
      async act(act) {
        await control.act(act)
        ledger.happened(Object.values(act).join(' '))
      },
      wait: (mostMs) => pause(random.int(0, mostMs), stopping),
      standby: () => random.pick([...proxies.keys()].filter((server) => server !== control.primary)),
    })
  }

const seenWithinMs = 3_000

/** Whether the layer knows who is primary: one that does not can't tell the old one from the new. */
async function isSeen({ world, control }: Hands): Promise<boolean> {
  const isPrimary = () =>
    !world.stopping.aborted && world.database.hosts()[control.primary]?.role === 'primary'
  return await eventually(isPrimary, { timeoutMs: seenWithinMs }).catch(() => false)
}

/** A standby takes over from a primary that can't be asked; the old one comes back beside it, where it is to, and then follows. */
async function failOver(
  hands: Hands,
  old: number,
  back: { do: 'start' | 'thaw'; chance: number },
): Promise<void> {
  const { act, wait, random } = hands
  await wait(800)
  await act({ do: 'promote' })
  await wait(1_500)
  if (random.chance(back.chance) && (await isSeen(hands))) {
    await act({ do: back.do, server: old })
    await wait(1_000)
  }
  await act({ do: 'rejoin', server: old })
  await wait(1_000)
}

const downAndUp =
  (
    downs: readonly ('kill' | 'stop' | 'crash')[],
    mostMs: number,
    who: (hands: Hands) => number,
  ): ServerFault =>
  async (hands) => {
    const server = who(hands)
    await hands.act({ do: hands.random.pick(downs), server })
    await hands.wait(mostMs)
    await hands.act({ do: 'start', server })
  }

const frozen =
  (mostMs: number, who: (hands: Hands) => number): ServerFault =>
  async (hands) => {
    const server = who(hands)
    await hands.act({ do: 'freeze', server })
    await hands.wait(mostMs)
    await hands.act({ do: 'thaw', server })
  }

const faults: Readonly<Record<ClusterFault, ServerFault>> = {
  'primary-killed': async (hands) => {
    const old = hands.control.primary
    await hands.act({ do: hands.random.pick(['kill', 'crash']), server: old })
    await failOver(hands, old, { do: 'start', chance: 0.5 })
  },
  'primary-frozen': async (hands) => {
    const old = hands.control.primary
    await hands.act({ do: 'freeze', server: old })
    await failOver(hands, old, { do: 'thaw', chance: 0.5 })
  },
  'primary-hangs': frozen(1_500, ({ control }) => control.primary),
  'primary-restarts': downAndUp(['kill', 'stop', 'crash'], 600, ({ control }) => control.primary),
  'old-primary-back': async (hands) => {
    const old = hands.control.primary
    // In order, so that a standby has everything.
    await hands.act({ do: 'stop', server: old })
    await failOver(hands, old, { do: 'start', chance: 1 })
  },
  switchover: async ({ act, wait }) => {
    await act({ do: 'switchover' })
    await wait(1_000)
  },
  'standby-down': downAndUp(['kill', 'stop', 'crash'], 1_500, ({ standby }) => standby()),
  'standby-frozen': frozen(1_500, ({ standby }) => standby()),
  'replay-paused': async ({ act, wait, standby }) => {
    const server = standby()
    await act({ do: 'pause-replay', server })
    await wait(2_000)
    await act({ do: 'resume-replay', server })
  },
  'replay-late': async ({ act, wait, standby, random }) => {
    const server = standby()
    await act({ do: 'set-lag', server, ms: random.pick([50, 300, 1_500]) })
    await wait(2_500)
    await act({ do: 'set-lag', server, ms: 0 })
  },
}
