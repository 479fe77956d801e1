import { expect, test } from 'bun:test'
import { createEventLog } from './event-log.ts'

const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

test('events of an outage, however many, leave in the ring how it began', () => {
  const { record, events, counts } = createEventLog({ capacity: 10 })
  record('lease-leaked', undefined, 'held for long')
  record('connection-lost', Object.assign(new Error('gone'), { code: 'ECONNRESET' }))
  for (let i = 0; i < 100; i++) record('health-failed', refused)
  record('connect-failed', refused)
  expect(events().map(({ type, code }) => `${type} ${code}`)).toEqual([
    'lease-leaked null',
    'connection-lost ECONNRESET',
    ...new Array(7).fill('health-failed ECONNREFUSED'),
    'connect-failed ECONNREFUSED',
  ])
  expect(counts()).toMatchObject({ 'health-failed': 100, 'connection-lost': 1, 'ping-failed': 0 })
})

test('of one kind, or of as many of each, the oldest goes first', () => {
  const { record, events } = createEventLog({ capacity: 3 })
  for (const detail of ['1', '2', '3', '4']) record('invalidated', undefined, detail)
  expect(events().map(({ detail }) => detail)).toEqual(['2', '3', '4'])
  const kinds = createEventLog({ capacity: 3 })
  for (const type of ['saturated', 'invalidated', 'ping-failed', 'reset-failed'] as const) kinds.record(type)
  expect(kinds.events().map(({ type }) => type)).toEqual(['invalidated', 'ping-failed', 'reset-failed'])
})

test('an error that is its own cause, by way of another, has a code as any other', () => {
  const outer = Object.assign(new Error('outer'), { code: 'OUTER' })
  outer.cause = Object.assign(new Error('inner', { cause: outer }), { code: 'INNER' })
  const { record, events } = createEventLog()
  record('connect-failed', outer)
  expect(events()).toMatchObject([{ code: 'INNER' }])
})

test('a listener that throws breaks nothing', () => {
  const { record, events } = createEventLog({
    onEvent: () => {
      throw new Error('of the application')
    },
  })
  record('saturated')
  expect(events()).toMatchObject([{ type: 'saturated', code: null }])
})
