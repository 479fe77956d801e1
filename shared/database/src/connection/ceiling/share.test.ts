import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Sharer, shareOf } from './share.ts'

const sharers = (...all: [claim: number, demand: number][]): Sharer[] =>
  all.map(([claim, demand], index) => ({ pid: index + 1, claim, demand }))
const sharesOf = (all: readonly Sharer[], seats: number) => all.map(({ pid }) => shareOf(pid, all, seats))

describe('the share of a process', () => {
  test.each<[name: string, all: Sharer[], seats: number, shares: (number | null)[]]>([
    ['everybody has enough', sharers([5, 5], [0, 5]), 10, [null, null]],
    ['two that want all have half each', sharers([10, 30], [0, 30]), 10, [5, 5]],
    ['what one does not want is for the others', sharers([2, 2], [0, 30], [8, 30]), 12, [2, 5, 5]],
    ['what is idle is given to the process that wants it', sharers([10, 0], [0, 6]), 12, [1, 6]],
    [
      'what does not divide stays with the process that has it',
      sharers([1, 9], [1, 9], [2, 9]),
      4,
      [1, 1, 2],
    ],
    ['… and else goes to the first', sharers([1, 9], [1, 9], [1, 9]), 4, [2, 1, 1]],
    ['with less than one each nobody is sent away who is there', sharers([0, 9], [1, 9]), 1, [0, 1]],
    ['without any seat there is none', sharers([3, 3], [0, 3]), -2, [0, 0]],
  ])('%s', (_, all, seats, shares) => {
    expect(sharesOf(all, seats)).toEqual(shares)
  })

  test('all together are never more than there is, and none is more than another wants in vain', () => {
    const some = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(some, fc.integer({ min: -5, max: 200 }), (drawn, seats) => {
        const all = sharers(...drawn)
        const shares = sharesOf(all, seats)
        if (shares.includes(null)) return shares.every((share) => share === null)
        const most = Math.max(...(shares as number[]))
        const isFair = all.every(({ demand }, index) => {
          const share = shares[index] as number
          return share >= demand || share >= most - 1
        })
        const total = (shares as number[]).reduce((sum, share) => sum + share, 0)
        return isFair && total <= Math.max(0, seats)
      }),
      { seed: 20_260_101, numRuns: 2_000 },
    )
  })
})
