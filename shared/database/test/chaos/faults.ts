import type { Direction, FaultMode } from '@shared/postgres/testing'
import type { NetworkFault, ServerFault } from './plan.ts'
import type { Random } from './random.ts'
import { role } from './stage.ts'
import { pause, type World } from './world.ts'

/** Does something to a world and heals it, at the latest when the load stops. */
export type Fault = (world: World, random: Random) => Promise<void>

const direction = (random: Random): Direction => random.pick(['toClient', 'toTarget'])

/** Often inside a message, now and then right before one, sometimes many messages later. */
const cutAt = (random: Random): number =>
  random.pick([0, 1, 3, 5, 6, 20, 100, 1_000, 20_000]) + random.int(0, 9)

/** Puts the proxy in a mode for a while. */
const during =
  (mode: (random: Random) => FaultMode, mostMs: number): Fault =>
  async ({ proxy, stopping }, random) => {
    await proxy?.set(mode(random))
    await pause(random.int(5, mostMs), stopping)
    await proxy?.set('forward')
  }

const afterCut =
  (mode: FaultMode, mostMs: number): Fault =>
  async (world, random) => {
    await world.proxy?.set(mode)
    if (random.chance(0.7)) world.proxy?.cut()
    await pause(random.int(5, mostMs), world.stopping)
    await world.proxy?.set('forward')
  }

export const networkFaultsByName: Readonly<Record<NetworkFault, Fault>> = {
  cut: async ({ proxy }) => {
    proxy?.cut()
  },
  'cut-at-byte': async ({ proxy }, random) => {
    const links = proxy?.links ?? []
    for (const link of random.chance(0.3) ? links : links.slice(0, 1))
      link.cutAfter(direction(random), cutAt(random))
  },
  'cut-new-at-byte': async ({ proxy, newLinks, stopping }, random) => {
    // What is cut now comes again, and is cut while it logs in or in its first statements.
    newLinks.meet = (link) => link.cutAfter(direction(random), cutAt(random))
    proxy?.cut()
    await pause(random.int(20, 200), stopping)
    newLinks.meet = null
  },
  'freeze-one-way': async ({ proxy, stopping }, random) => {
    const way = direction(random)
    const links = (proxy?.links ?? []).filter(() => random.chance(0.6))
    for (const link of links) link.freeze(way, true)
    await pause(random.int(5, 600), stopping)
    for (const link of links) link.freeze(way, false)
  },
  'freeze-old': during(() => 'freezeOld', 800),
  'freeze-all': during(() => 'freezeAll', 500),
  slow: during(
    (random) => ({ delayMs: random.int(0, 20), bytesPerSecond: random.pick([50_000, 1_000_000]) }),
    500,
  ),
  refuse: afterCut('refuse', 400),
  'accept-then-close': afterCut('acceptThenClose', 400),
  'accept-then-mute': afterCut('acceptThenMute', 400),
  'mute-next': async ({ proxy, stopping }, random) => {
    proxy?.muteNext(random.int(1, 3))
    proxy?.cut()
    await pause(random.int(50, 500), stopping)
  },
}

const backendsOf = async ({ admin }: World): Promise<number[]> => {
  const rows = await admin<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and usename = ${role.name}`
  return rows.map(({ pid }) => pid)
}

const someBackends = async (world: World, random: Random): Promise<number[]> => {
  const pids = await backendsOf(world)
  return random.chance(0.3) ? pids : pids.slice(0, 1)
}

/** Stops a process in its tracks, as a machine that hangs does, and lets it go on. */
async function freeze(world: World, pid: number, mostMs: number, random: Random): Promise<void> {
  if (!signal(world, pid, 'SIGSTOP')) return
  world.onFrozen(pid)
  try {
    await pause(random.int(20, mostMs), world.stopping)
  } finally {
    signal(world, pid, 'SIGCONT')
  }
}

function signal({ ledger }: World, pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPERM')
      ledger.notes.add('Nothing was frozen: this user may not send signals to the server.')
    return false
  }
}

// A statement of ours that meets a frozen backend's lock gives up, and with it what it would have blocked.
const patience = `set local lock_timeout = '300ms'`

const definitions = [
  'alter table shelf add column if not exists extra int',
  'alter table shelf drop column if exists extra',
  'create index if not exists singles_id on singles (id)',
  'drop index if exists singles_id',
  'alter table singles add column if not exists note text',
  'alter table singles drop column if exists note',
  'analyze',
  'create or replace function put(text) returns text language sql volatile as $$ insert into singles (id) values ($1) returning id $$',
]

export const serverFaultsByName: Readonly<Record<ServerFault, Fault>> = {
  terminate: async (world, random) => {
    for (const pid of await someBackends(world, random))
      await world.admin`select pg_terminate_backend(${pid})`
  },
  cancel: async (world, random) => {
    for (const pid of await someBackends(world, random)) await world.admin`select pg_cancel_backend(${pid})`
  },
  'freeze-backend': async (world, random) => {
    const pids = await backendsOf(world)
    if (pids.length > 0) await freeze(world, random.pick(pids), 1_200, random)
  },
  'freeze-pooler': async (world, random) => {
    if (world.poolerPid !== null) await freeze(world, world.poolerPid, 800, random)
  },
  lock: async ({ admin, stopping }, random) => {
    const table = random.pick(['shelf', 'singles', 'pairs'])
    await admin.begin(async (tx) => {
      await tx.unsafe(`${patience}; lock table ${table} in access exclusive mode`)
      await pause(random.int(10, 800), stopping)
    })
  },
  definitions: async ({ admin }, random) => {
    await admin.begin((tx) => tx.unsafe(`${patience}; ${random.pick(definitions)}`))
  },
  'connection-limit': async ({ admin, stopping }, random) => {
    await admin.unsafe(`alter role ${role.name} connection limit ${random.int(0, 3)}`)
    try {
      await pause(random.int(20, 600), stopping)
    } finally {
      await admin.unsafe(`alter role ${role.name} connection limit -1`)
    }
  },
  invalidate: async ({ database }) => {
    database.invalidate()
  },
}
