import { setTimeout as sleep } from 'node:timers/promises'
import { schedule } from './schedule.ts'
import type { World } from './world.ts'

/** One row of the table. */
export interface Scenario {
  readonly title: string
  readonly through: 'server' | 'proxy'
  /** Whether it needs the superuser's connection, which is made before the fault is announced. */
  readonly asAdmin?: boolean
  /** Whether a long statement runs beside the callers afterwards. */
  readonly hasLongStatement?: boolean
  /** Makes the fault, calls `happened` at once when it is made, and resolves when what heals it is done. */
  run(world: World, happened: () => void): Promise<void>
}

export const scenarios = {
  restart: {
    title: `fast restart, ${schedule.downMs} ms down`,
    through: 'server',
    run: (world, happened) => stopAndStart(world, 'fast', happened),
  },
  crash: {
    title: `crash, ${schedule.downMs} ms down`,
    through: 'server',
    run: (world, happened) => stopAndStart(world, 'immediate', happened),
  },
  terminate: {
    title: 'every backend terminated',
    through: 'server',
    asAdmin: true,
    async run(world, happened) {
      const role = decodeURIComponent(new URL(world.url).username)
      const admin = await world.admin()
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`
      happened()
    },
  },
  'half-open': {
    title: 'half-open: old sockets go silent',
    through: 'proxy',
    hasLongStatement: true,
    async run({ proxy }, happened) {
      await proxy.set('freezeOld')
      happened()
    },
  },
  refused: {
    title: `refused for ${schedule.refusedMs} ms, sockets cut`,
    through: 'proxy',
    async run({ proxy }, happened) {
      await proxy.set('refuse')
      proxy.cut()
      happened()
      await sleep(schedule.refusedMs)
      await proxy.set('forward')
    },
  },
} satisfies Record<string, Scenario>

export type ScenarioId = keyof typeof scenarios

export const scenarioIds = Object.keys(scenarios) as ScenarioId[]

async function stopAndStart(world: World, mode: 'fast' | 'immediate', happened: () => void): Promise<void> {
  const startedAt = performance.now()
  await world.server.stop({ mode })
  happened()
  await sleep(Math.max(0, startedAt + schedule.downMs - performance.now()))
  await world.server.restart()
}
