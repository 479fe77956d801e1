import { describe, expect, test } from 'bun:test'
import { roomyServer as server } from '../../test/monitor-world.ts'
import { explainAdvice } from '../explain/explain.ts'
import { checkBudget } from './budget.ts'
import { budgetAdvice } from './server-rules.ts'

const pool = { poolSize: 10, maxOverflow: 20 }
const role = (connectionLimit: number | null, connections = 11) => ({
  ...server.role,
  connectionLimit,
  connections,
})
const texts = (given: typeof pool, on: typeof server, replicas = 1) => {
  const advice = budgetAdvice(checkBudget(given, on, replicas))
  return advice && explainAdvice(advice)
}

describe('what the pools may open', () => {
  test('is pool, overflow and health probe of each replica', () => {
    expect(checkBudget(pool, { ...server, usedConnections: 11 }, 3)).toEqual({
      replicas: 3,
      wanted: 93,
      allowed: 97,
      allowedBy: 'server',
      serverTakes: 97,
      heldByOthers: 0,
      free: 86,
      fits: true,
      fitsNow: true,
    })
  })

  test('is no more than the ceiling that the replicas share, where it is on', () => {
    const ceiling = { limit: 60, used: 20, processes: 30, allowance: 1, isReached: false, isOn: true }
    const of = (isOn: boolean) => {
      const { wanted, fits } = checkBudget(pool, server, 30, { ...ceiling, isOn })
      return { wanted, fits }
    }
    expect({ on: of(true), off: of(false) }).toEqual({
      on: { wanted: 60, fits: true },
      off: { wanted: 930, fits: false },
    })
  })

  const rows: [name: string, on: typeof server, replicas: number, by: string, fits: boolean][] = [
    ['fits a server by one', { ...server, maxConnections: 34, usedConnections: 11 }, 1, 'server', true],
    ['is one more than a server takes', { ...server, maxConnections: 33 }, 1, 'server', false],
    ['fits the limit of the role', { ...server, role: role(31) }, 1, 'role', true],
    ['is one more than the limit of the role', { ...server, role: role(30) }, 1, 'role', false],
    ['fits the limit of the database', { ...server, databaseLimit: 31 }, 1, 'database', true],
    ['is one more than the limit of the database', { ...server, databaseLimit: 30 }, 1, 'database', false],
    ['is too much with another replica', { ...server, role: role(61) }, 2, 'role', false],
  ]
  test.each(rows)('%s', (_name, on, replicas, allowedBy, fits) => {
    expect(checkBudget(pool, on, replicas)).toMatchObject({ allowedBy, fits })
    expect(texts(pool, on, replicas) === null).toBe(fits)
  })

  test('without a limit to the overflow fits nothing', () => {
    expect(checkBudget({ poolSize: 10, maxOverflow: -1 }, server, 1)).toMatchObject({
      wanted: Infinity,
      fits: false,
    })
    expect(texts({ poolSize: 10, maxOverflow: -1 }, server)).toBe(
      'The pool may open connections without limit, but the server takes 97 (max_connections less the reserved ones): ' +
        'lower DATABASE_POOL_SIZE or DATABASE_MAX_OVERFLOW, or raise the limit.',
    )
  })

  test('may fit the limits and yet not what others leave now', () => {
    const crowded = { ...server, usedConnections: 91 }
    expect(checkBudget(pool, crowded, 1)).toMatchObject({
      heldByOthers: 80,
      free: 6,
      fits: true,
      fitsNow: false,
    })
    expect(texts(pool, crowded)).toBe(
      'The pool and health probe may open 31 connections, but other roles hold 80 of the 97 that the server takes: ' +
        'lower DATABASE_POOL_SIZE or DATABASE_MAX_OVERFLOW, or raise max_connections.',
    )
  })
})

test('what is free is what the server and the role still allow, never less than none', () => {
  expect(checkBudget(pool, { ...server, role: role(40) }, 1).free).toBe(29)
  expect(checkBudget(pool, { ...server, usedConnections: 99 }, 1).free).toBe(0)
})
