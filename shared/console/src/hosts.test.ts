import { expect, test } from 'bun:test'
import { describeHosts } from './hosts.ts'

const nothing = { timeline: null, lagMs: null, code: null }

test('hosts are described in words, with what is known of each and the pool of those that are read from', () => {
  const pool = { total: 4, checkedOut: 1 }
  const described = describeHosts({
    hosts: [
      { ...nothing, host: 'a:1', role: 'primary', timeline: 2 },
      { ...nothing, host: 'b:1', role: 'read-only', timeline: 2 },
      { ...nothing, host: 'c:1', role: 'standby', lagMs: 12 },
      { ...nothing, host: 'd:1', role: 'standby' },
      { ...nothing, host: 'e:1', role: 'old-primary', timeline: 1 },
      { ...nothing, host: 'f:1', role: 'unreachable', timeline: 1, code: 'ECONNREFUSED' },
      { ...nothing, host: 'g:1', role: 'unknown' },
    ],
    replicas: ['a:1', 'c:1', 'f:1'].map((host) => ({ host, pool })),
  })
  expect(described.map(({ host, words }) => `${host} ${words}`)).toEqual([
    'a:1 primary, time line 2',
    'b:1 primary, read only, time line 2',
    'c:1 standby, 12 ms behind, reads use 1 of 4',
    'd:1 standby',
    'e:1 old primary, not used, time line 1',
    'f:1 unreachable (ECONNREFUSED)',
    'g:1 not asked yet',
  ])
})

test('one host is nothing to tell', () => {
  expect([describeHosts(null), describeHosts(undefined)]).toEqual([[], []])
})
