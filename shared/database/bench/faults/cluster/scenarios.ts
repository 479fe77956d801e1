import { setTimeout as sleep } from 'node:timers/promises'
import { schedule } from './schedule.ts'
import type { Needs, World } from './world.ts'

/** One table. */
export interface Scenario extends Needs {
  readonly title: string
  /** Makes the fault, calls `promoted` when there is a primary again, and resolves when nothing more will happen. */
  run(world: World, promoted: () => void): Promise<void>
}

export const scenarios = {
  kill: {
    title: `primary killed, a standby promoted after ${schedule.promoteAfterMs} ms`,
    isSynchronous: true,
    reads: 'primary',
    async run(world, promoted) {
      await world.cluster.primary.kill()
      await promoteNext(world, promoted)
    },
  },
  switchover: {
    title: 'switchover in order',
    isSynchronous: true,
    reads: 'primary',
    async run(world, promoted) {
      const isPromoted = world.promoted().then(() => {
        promoted()
        world.lead(world.next)
      })
      await world.cluster.switchover(world.next)
      await isPromoted
    },
  },
  freeze: {
    title: `primary frozen, a standby promoted after ${schedule.promoteAfterMs} ms`,
    isSynchronous: true,
    reads: 'primary',
    async run(world, promoted) {
      await world.cluster.primary.freeze()
      await promoteNext(world, promoted)
    },
  },
  name: {
    title: `switchover, a name re-pointed ${schedule.nameMs} ms later`,
    isSynchronous: true,
    reads: 'primary',
    isNamed: true,
    async run(world, promoted) {
      const isPointed = world.promoted().then(async () => {
        promoted()
        await sleep(schedule.nameMs)
        await world.name?.point(world.next)
      })
      await world.cluster.switchover(world.next)
      await isPointed
    },
  },
  'standby-killed': {
    title: 'a standby killed that is read from',
    isSynchronous: false,
    reads: 'standbys',
    run: ({ next }) => next.kill(),
  },
  lag: {
    title: `a standby ${schedule.lagMs / 1_000} s behind that is read from`,
    isSynchronous: false,
    reads: 'standbys',
    async run({ cluster, next }) {
      await cluster.setLag(next, schedule.lagMs)
      await sleep(schedule.faultMs)
      await cluster.setLag(next, 0)
    },
  },
  'old-primary': {
    title: 'old primary back beside the new one, then sessions ended',
    isSynchronous: false,
    reads: 'primary',
    async run(world, promoted) {
      const old = world.cluster.primary
      // In order, so that a standby has everything: what is lost then is what the old one takes afterwards.
      await old.stop()
      await promoteNext(world, promoted)
      await old.start()
      await world.endSessions(world.next)
      await sleep(schedule.faultMs)
    },
  },
} satisfies Record<string, Scenario>

export type ScenarioId = keyof typeof scenarios

export const scenarioIds = Object.keys(scenarios) as ScenarioId[]

/** What a tool for high availability does, and a switch that hears of it at once. */
async function promoteNext(world: World, promoted: () => void): Promise<void> {
  await sleep(schedule.promoteAfterMs)
  await world.cluster.promote(world.next)
  promoted()
  world.lead(world.next)
}
