import type { Meter } from '@opentelemetry/api'
import { channels } from '@shared/database'
import { databaseOf, failureOf, operationOf, returnedRows, serverOf } from './attributes.ts'
import { onEnd } from './subscription.ts'

// As the conventions advise.
const durationBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
const rowBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]

/** Measures statements, checkouts and connects as they end. @returns Ends it. */
export function measureOperations(meter: Meter): () => void {
  const seconds = (name: string, description: string) =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: durationBounds },
    })
  const durations = seconds('db.client.operation.duration', 'Duration of database client operations.')
  const waits = seconds(
    'db.client.connection.wait_time',
    'The time it took to obtain an open connection from the pool.',
  )
  const creations = seconds(
    'db.client.connection.create_time',
    'The time it took to create a new connection.',
  )
  const rows = meter.createHistogram('db.client.response.returned_rows', {
    description: 'The actual number of records returned by the database operation.',
    unit: '{row}',
    advice: { explicitBucketBoundaries: rowBounds },
  })

  const stops = [
    onEnd(channels.statement, (message) => {
      const attributes = {
        ...databaseOf(message),
        ...serverOf(message),
        ...operationOf(message),
        ...failureOf(message),
      }
      durations.record((performance.now() - message.startedAt) / 1000, attributes)
      const returned = returnedRows(message)
      if (returned !== null) rows.record(returned, attributes)
    }),
    onEnd(channels.checkout, ({ pool, durationMs, error }) => {
      if (error === undefined) waits.record((durationMs ?? 0) / 1000, poolOf(pool))
    }),
    onEnd(channels.connect, ({ pool, internal, durationMs, error }) => {
      if (!internal && error === undefined) creations.record((durationMs ?? 0) / 1000, poolOf(pool))
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function poolOf(pool: string) {
  return { 'db.client.connection.pool.name': pool }
}
