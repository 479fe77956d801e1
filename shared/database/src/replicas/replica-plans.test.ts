import { expect, test } from 'bun:test'
import type { ConnectionSource, SqlConnection } from '../connection/sql-connection.ts'
import { ConnectionLostError } from '../errors.ts'
import { ReplicaPlans } from './replica-plans.ts'

test('plans are held until a change is replayed, and not for ever where the connection that told of it was lost', async () => {
  const steps: string[] = []
  let isLost = true
  const source = {
    holdPlans: (isHeld: boolean) => steps.push(isHeld ? 'held' : 'released'),
    definitionsChanged: () => {},
    learnTypes: async () => {
      if (isLost) throw new ConnectionLostError('unknown')
    },
  } as unknown as ConnectionSource
  const primary = { run: async () => [['0/10']] } as unknown as SqlConnection
  const replayed = Promise.withResolvers<void>()
  const plans = new ReplicaPlans(source, () => replayed.promise)
  await expect(plans.definitionsChanged(primary)).rejects.toBeInstanceOf(ConnectionLostError)
  isLost = false
  await plans.definitionsChanged(primary)
  const before = steps.at(-1)
  replayed.resolve()
  await new Promise(setImmediate)
  expect([before, steps.at(-1)]).toEqual(['held', 'released'])
})
