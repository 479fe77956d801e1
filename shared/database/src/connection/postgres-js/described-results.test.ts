import { expect, test } from 'bun:test'
import { withDescriptions } from './described-results.ts'

const message = (type: string, body: string) => {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1')
  bytes.writeUInt32BE(bytes.length - 1, 1)
  return bytes
}
const bind = (statement: string, portal = '') => message('B', `${portal}\0${statement}\0\0\0\0\0\0\0`)
const describe = (statement: string) => message('D', `S${statement}\0`)
const execute = message('E', '\0\0\0\0\0')
const sync = message('S', '')
const parse = (statement: string) => message('P', `${statement}\0select 1\0\0\0`)
const query = message('Q', 'select 1\0')

test.each([
  ['a named statement', [bind('s1'), execute, sync], [describe('s1'), bind('s1'), execute, sync]],
  ['a portal with a name', [bind('s1', 'p'), execute], [describe('s1'), bind('s1', 'p'), execute]],
  [
    'several in one packet, each by itself',
    [bind('s1'), execute, sync, query, bind('s2'), execute, sync],
    [describe('s1'), bind('s1'), execute, sync, query, describe('s2'), bind('s2'), execute, sync],
  ],
  [
    'not one that is described just before',
    [parse('s1'), describe('s1'), bind('s1'), execute, sync],
    [parse('s1'), describe('s1'), bind('s1'), execute, sync],
  ],
  [
    'not one without a name, which is prepared for this run',
    [parse(''), bind(''), execute, sync],
    [parse(''), bind(''), execute, sync],
  ],
])('a Describe goes ahead of the Bind of %s', (_, sent, expected) => {
  expect(Buffer.from(withDescriptions(Buffer.concat(sent)))).toEqual(Buffer.concat(expected))
})
