import { describe, expect, test } from 'bun:test'
import { Backlog } from './backlog.ts'

/** A backlog whose handler goes on when it is let. */
function start(maxBacklog: number) {
  const calls: string[] = []
  let pass = Promise.withResolvers<void>()
  let full = 0
  const backlog = new Backlog({
    maxBacklog,
    async handle(payload) {
      calls.push(payload)
      await pass.promise
      if (payload === 'bad') throw new Error('own')
    },
    onReconnected: () => void calls.push('(reconnected)'),
    onOverflow: (dropped) => void calls.push(`(dropped ${dropped})`),
    onFailed: (error) => void calls.push(`(failed ${(error as Error).message})`),
    onFull: () => full++,
  })
  return {
    backlog,
    calls,
    full: () => full,
    async pass() {
      pass.resolve()
      for (let turn = 0; turn < 100; turn++) await Promise.resolve()
      pass = Promise.withResolvers()
    },
  }
}

describe('the backlog of a subscriber', () => {
  test('calls in order, one after the other, and goes on after a failure', async () => {
    const { backlog, calls, pass } = start(10)
    for (const payload of ['a', 'bad', 'c']) backlog.notified(payload)
    expect(calls).toEqual(['a'])
    await pass()
    expect(calls).toEqual(['a', 'bad', '(failed own)', 'c'])
  })

  test('drops what is beyond its bound, and says so once in its place', async () => {
    const { backlog, calls, pass, full } = start(2)
    for (let n = 0; n < 6; n++) backlog.notified(`${n}`)
    await pass()
    backlog.notified('6')
    expect({ calls, full: full() }).toEqual({ calls: ['0', '1', '2', '(dropped 3)', '6'], full: 1 })
  })

  test('stays bounded while connections come and go', async () => {
    const { backlog, calls, pass } = start(1)
    for (let n = 0; n < 100; n++) {
      backlog.notified(`${n}`)
      backlog.missed()
    }
    await pass()
    expect(calls).toEqual(['0', '(reconnected)', '1', '(reconnected)', '(dropped 98)'])
  })

  test('reads a long queue through', async () => {
    const { backlog, calls, pass } = start(10_000)
    for (let n = 0; n < 5_000; n++) backlog.notified(`${n}`)
    while (calls.length < 5_000) await pass()
    expect(calls).toEqual(Array.from({ length: 5_000 }, (_, n) => `${n}`))
  })

  test('calls nothing any more after its end', async () => {
    const { backlog, calls, pass } = start(10)
    backlog.notified('a')
    backlog.notified('b')
    backlog.end()
    backlog.missed()
    await pass()
    expect(calls).toEqual(['a'])
  })
})
