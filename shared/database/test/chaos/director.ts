import { breakCluster } from './cluster/faults.ts'
import { type Fault, networkFaultsByName, serverFaultsByName } from './faults.ts'
import type { Random } from './random.ts'
import { pause, type World } from './world.ts'

/** A fault over sooner has no end worth a line of the history. */
const momentMs = 30

/** Makes faults until the load stops; resolves when all of them are healed. */
export async function direct(world: World, random: Random): Promise<void> {
  const { plan } = world
  const { cluster } = plan
  await Promise.all([
    repeat(world, random.fork('network'), plan.networkFaults, (name) => networkFaultsByName[name]),
    repeat(world, random.fork('server'), plan.serverFaults, (name) => serverFaultsByName[name]),
    cluster && repeat(world, random.fork('cluster'), cluster.faults, (name) => breakCluster(name)),
  ])
  for (const proxy of world.proxies) await proxy.set('forward')
  await world.control?.act({ do: 'heal' })
}

async function repeat<Name extends string>(
  world: World,
  random: Random,
  names: readonly Name[],
  faultOf: (name: Name) => Fault,
): Promise<void> {
  const { ledger, plan, proxies, stopping } = world
  if (names.length === 0) return
  while (!stopping.aborted) {
    await pause(random.int(0, plan.pauseMs), stopping)
    if (stopping.aborted) return
    const name = random.pick(names)
    ledger.faults++
    // Where there are several, each fault has one.
    const at = proxies.length > 1 ? { ...world, proxy: random.pick(proxies) } : world
    const startedAt = performance.now()
    ledger.happened(`${name} begins`)
    // Our own statements meet the locks and the frozen backends too; what matters is what callers see.
    await faultOf(name)(at, random).catch((error) => ledger.happened(`${name} was not possible: ${error}`))
    if (performance.now() - startedAt > momentMs) ledger.happened(`${name} is over`)
  }
}
