import { type Fault, networkFaultsByName, serverFaultsByName } from './faults.ts'
import type { Random } from './random.ts'
import { pause, type World } from './world.ts'

/** A fault over sooner has no end worth a line of the history. */
const momentMs = 30

/** Makes faults until the load stops; resolves when all of them are healed. */
export async function direct(world: World, random: Random): Promise<void> {
  const { plan } = world
  await Promise.all([
    repeat(world, random.fork('network'), plan.networkFaults, networkFaultsByName),
    repeat(world, random.fork('server'), plan.serverFaults, serverFaultsByName),
  ])
  await world.proxy?.set('forward')
}

async function repeat<Name extends string>(
  world: World,
  random: Random,
  names: readonly Name[],
  faults: Readonly<Record<Name, Fault>>,
): Promise<void> {
  const { ledger, plan, stopping } = world
  if (names.length === 0) return
  while (!stopping.aborted) {
    await pause(random.int(0, plan.pauseMs), stopping)
    if (stopping.aborted) return
    const name = random.pick(names)
    ledger.faults++
    const startedAt = performance.now()
    ledger.happened(`${name} begins`)
    // Our own statements meet the locks and the frozen backends too; what matters is what callers see.
    await faults[name](world, random).catch((error) => ledger.happened(`${name} was not possible: ${error}`))
    if (performance.now() - startedAt > momentMs) ledger.happened(`${name} is over`)
  }
}
