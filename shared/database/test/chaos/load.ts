import { setImmediate as turn } from 'node:timers/promises'
import { observed } from '../support.ts'
import { type Act, Caller } from './caller.ts'
import { ownReads } from './cluster/own-reads.ts'
import * as deadlines from './deadlines.ts'
import type { Workload } from './plan.ts'
import type { Random } from './random.ts'
import { reads } from './reads.ts'
import { sessions } from './sessions.ts'
import { transactions } from './transactions.ts'
import type { TypeChanges } from './types.ts'
import { visits } from './visits.ts'
import { pause, type World } from './world.ts'
import { writes } from './writes.ts'

/** Runs every caller until the load stops; resolves when all of their calls have settled. */
export async function load(world: World, random: Random, types: TypeChanges): Promise<void> {
  const acts: Record<Workload, (caller: Caller, number: number) => Promise<boolean>> = {
    mixed: (caller) => mixed(caller),
    cluster: (caller) => mixed(caller),
    deadlines: (caller, number) => (number % 2 === 0 ? deadlines.read(caller) : deadlines.write(caller)),
    types: (caller, number) => (number === 0 ? probe(caller) : types.write(caller)),
  }
  const act = acts[world.plan.workload]
  const caller = async (number: number) => {
    const own = new Caller(world, number, random.fork(`caller ${number}`))
    while (!world.stopping.aborted) {
      // Who is refused comes again a little later, as callers do; a pool that is full or closed refuses at once.
      if (await act(own, number)) await turn()
      else await pause(own.random.int(5, 50), world.stopping)
    }
  }
  await Promise.all(Array.from({ length: world.plan.callers }, (_, number) => caller(number)))
}

/** One act, or several at once, and now and then a rest. */
async function mixed(caller: Caller): Promise<boolean> {
  const { random, world } = caller
  const acts: readonly (readonly [number, Act])[] = [
    ...reads,
    ...writes,
    ...transactions,
    ...visits,
    ...(world.plan.route === 'pooler' ? [] : sessions),
    ...(world.plan.route === 'cluster' ? ownReads : []),
  ]
  const count = random.chance(0.2) ? random.int(2, 8) : 1
  const results = await Promise.all(Array.from({ length: count }, () => random.weighted(acts)(caller)))
  if (random.chance(0.2)) await pause(random.int(0, 15), world.stopping)
  return results.every(Boolean)
}

/** What a service's health routes do all the time. */
async function probe(caller: Caller): Promise<boolean> {
  const { database, stopping } = caller.world
  await pause(200, stopping)
  return await caller.attempt('a question outside the pool', () => observed(database))
}
