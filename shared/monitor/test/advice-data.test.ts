import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adviceCodes } from '../src/explain/explain.ts'
import { createWorld, roomyServer, lockedStatement as statement, textsOf } from './monitor-world.ts'

describe('an advice is data', () => {
  test('with what was measured, and the option that it is about', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, statements: [statement] }
    await world.seconds(60, () => {
      Object.assign(world.pool, { total: 10, checkedOut: 10, waiting: 40 })
      world.leases(5, { useMs: 1_000, waitMs: 8_000 })
    })
    expect(world.monitor.advice()).toEqual([
      {
        code: 'saturated',
        level: 'warning',
        measured: {
          periodMs: 60_000,
          endedMs: 0,
          poolSize: 10,
          maxOverflow: 0,
          utilisation: 1,
          peakWaiting: 40,
          timeouts: 0,
          saturations: 0,
          failures: 0,
          wanted: 50,
          load: { leasesPerSecond: 5, useMs: 1_000, leases: 5 },
          room: { role: 'world_app', free: 60, limitedBy: 'server', seenMs: 4_000 },
          longestStatement: { ageMs: 4_200, state: 'active', text: statement.text, count: 1 },
        },
        options: [{ option: 'poolSize', change: 'raise', value: null }],
      },
    ])
  })

  test('with the value to set, where the numbers give one', async () => {
    const world = createWorld({ poolSize: 10, maxOverflow: 20 })
    await world.seconds(60, () => Object.assign(world.pool, { total: 14, checkedOut: 14, overflow: 4 }))
    expect(world.found('overflow')).toEqual({
      code: 'overflow',
      level: 'info',
      measured: { periodMs: 60_000, share: 1, poolSize: 10, open: 14 },
      options: [{ option: 'poolSize', change: 'raise', value: 14 }],
    })
  })

  test('without an option where none helps', async () => {
    const world = createWorld()
    world.answers.server = { ...roomyServer, usedConnections: 97 }
    await world.seconds(60, () => Object.assign(world.pool, { total: 10, checkedOut: 10, waiting: 40 }))
    expect(world.found('saturated')?.options).toEqual([])
  })

  test('that reads the same once it was sent as JSON', async () => {
    const world = createWorld({ maxOverflow: -1 })
    await world.seconds(60, () => Object.assign(world.pool, { total: 500, checkedOut: 500, overflow: 490 }))
    const sent = JSON.parse(JSON.stringify(world.monitor.advice()))
    expect(world.codes()).toEqual(['budget', 'overflow'])
    expect(textsOf(sent)).toEqual(world.texts())
  })
})

test('the README has a row for each advice, and no other', () => {
  const readme = readFileSync(join(import.meta.dir, '../README.md'), 'utf8')
  const table = readme.slice(readme.indexOf('| advice | when | level |'), readme.indexOf('A text says'))
  const named = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code ?? '')
  expect(named.toSorted()).toEqual(adviceCodes.toSorted())
})
