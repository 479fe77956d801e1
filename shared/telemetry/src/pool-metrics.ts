import type { Attributes, BatchObservableCallback, Meter } from '@opentelemetry/api'
import type { Database, DrizzleModel, PoolStatus } from '@shared/database'

/** The part of a database that its pools are measured by. */
export type MeasuredDatabase = Pick<Database<DrizzleModel>, 'status' | 'replicas'>

type Numbers = readonly [description: string, unit: string, read: (pool: PoolStatus) => number]

// `idle.min` has no meaning here, and `use_time` is in the Prometheus metrics alone: the API takes no histogram that is counted already.
const levels: Readonly<Record<string, Numbers>> = {
  'db.client.connection.idle.max': [
    'The maximum number of idle open connections allowed.',
    '{connection}',
    ({ poolSize }) => poolSize,
  ],
  // Named db.client.connection.max before 1.45.0 of the conventions.
  'db.client.connection.limit': [
    'The maximum number of open connections allowed.',
    '{connection}',
    ({ poolSize, maxOverflow }) => poolSize + maxOverflow,
  ],
  'db.client.connection.pending_requests': [
    'The number of current pending requests for an open connection.',
    '{request}',
    ({ waiting }) => waiting,
  ],
}

/** Measures each pool of the databases when the meter's reader asks for it. @returns Ends it. */
export function measurePools(meter: Meter, databases: readonly MeasuredDatabase[]): () => void {
  const count = meter.createObservableUpDownCounter('db.client.connection.count', {
    description: 'The number of connections that are currently in state described by the state attribute.',
    unit: '{connection}',
  })
  const timeouts = meter.createObservableCounter('db.client.connection.timeouts', {
    description:
      'The number of connection timeouts that have occurred trying to obtain a connection from the pool.',
    unit: '{timeout}',
  })
  const gauges = Object.entries(levels).map(([name, [description, unit, read]]) => ({
    gauge: meter.createObservableUpDownCounter(name, { description, unit }),
    read,
  }))

  const observe: BatchObservableCallback = (result) => {
    for (const pool of databases.flatMap(poolsOf)) {
      const attributes: Attributes = { 'db.client.connection.pool.name': pool.name }
      result.observe(count, pool.idle, { ...attributes, 'db.client.connection.state': 'idle' })
      result.observe(count, pool.checkedOut, { ...attributes, 'db.client.connection.state': 'used' })
      result.observe(timeouts, pool.counters.timeouts, attributes)
      for (const { gauge, read } of gauges) {
        // Without a limit there is none to tell.
        if (Number.isFinite(read(pool))) result.observe(gauge, read(pool), attributes)
      }
    }
  }
  const instruments = [count, timeouts, ...gauges.map(({ gauge }) => gauge)]
  meter.addBatchObservableCallback(observe, instruments)
  return () => meter.removeBatchObservableCallback(observe, instruments)
}

function poolsOf(database: MeasuredDatabase): PoolStatus[] {
  return [database.status(), ...database.replicas().map(({ pool }) => pool)]
}
