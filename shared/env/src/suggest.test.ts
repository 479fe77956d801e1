import { describe, expect, test } from 'bun:test'
import { editDistance, suggest } from './suggest.ts'

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['PORT', 'PORT', 0],
    ['PORT', 'PROT', 1],
    ['PORT', 'PORTS', 1],
    ['PORT', 'POT', 1],
    ['PORT', 'PART', 1],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %d', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
    expect(editDistance(to, from)).toBe(distance)
  })
})

describe('suggest', () => {
  const known = [
    'DATABASE_URL',
    'DATABASE_PASSWORD',
    'DATABASE_POOL_SIZE',
    'DATABASE_POOL_RECYCLE',
    'DATABASE_SSL_MODE',
  ]

  test.each([
    ['DATABASE_POOLSIZE', 'DATABASE_POOL_SIZE'],
    ['DATABASE_POOL_SIEZ', 'DATABASE_POOL_SIZE'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASE_SSLMODE', 'DATABASE_SSL_MODE'],
    ['DATABASE_RECYCLE', 'DATABASE_POOL_RECYCLE'],
    ['DATABASE_PASS', 'DATABASE_PASSWORD'],
    ['DATABASE_URL_SYNC', 'DATABASE_URL'],
  ])('takes %s for %s', (name, meant) => {
    expect(suggest(name, known)).toBe(meant)
  })

  test.each(['DATABASE_REPLICAS', 'DATABASE_', 'HOME', ''])('takes %j for nothing it knows', (name) => {
    expect(suggest(name, known)).toBeUndefined()
  })
})
