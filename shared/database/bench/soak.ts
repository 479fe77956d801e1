import { parseArgs } from 'node:util'
import { createFaultLoad, type Heap, measureHeap } from '@shared/pool/testing'
import { createServerLoad } from './soak/server-load.ts'

const usage = 'Usage: soak [--json] [--checkouts <number>] [--on-server <number>]'
const rounds = 10

/** What there is after a round; between rounds nobody holds or wants a connection. */
interface Row {
  load: string
  checkouts: number
  served: number
  failed: number
  connections: number
  timers: number | null
  promises: number
  objects: number
  functions: number
  heapKb: number
}

interface SoakReport {
  rows: Row[]
  ends: Record<string, Record<string, number>>
  /** What is left when everything is closed; all 0. */
  left: { connections: number; timers: number; backends: number }
}

interface Load {
  run(checkouts: number): Promise<void>
  readonly ends: Readonly<Record<string, number>>
  readonly timers: number | null
  connections(): number
}

async function soak(load: Load, name: string, total: number, onRow: (row: Row) => void): Promise<void> {
  const size = Math.ceil(total / rounds)
  for (let done = size; done <= size * rounds; done += size) {
    await load.run(size)
    onRow(describe(name, done, load, await measureHeap()))
  }
}

function describe(name: string, checkouts: number, load: Load, { bytes, objects }: Heap): Row {
  const served = load.ends.served ?? 0
  return {
    load: name,
    checkouts,
    served,
    failed: checkouts - served,
    connections: load.connections(),
    timers: load.timers,
    promises: objects.Promise ?? 0,
    objects: objects.Object ?? 0,
    functions: objects.Function ?? 0,
    heapKb: Math.round(bytes / 1024),
  }
}

/** Runs both loads and closes them; `onRow` is called after each round. */
async function runSoak(checkouts: number, onServer: number, onRow: (row: Row) => void): Promise<SoakReport> {
  const rows: Row[] = []
  const keep = (row: Row): void => {
    rows.push(row)
    onRow(row)
  }
  const left = { connections: 0, timers: 0, backends: 0 }
  const ends: SoakReport['ends'] = {}
  if (checkouts > 0) {
    using load = createFaultLoad(1)
    await soak(Object.assign(load, { connections: () => load.pool.status().total }), 'fake', checkouts, keep)
    await load.close()
    left.connections += load.pool.status().total
    left.timers += load.timers
    ends.fake = load.ends
  }
  if (onServer > 0) {
    await using load = await createServerLoad()
    await soak(load, 'server', onServer, keep)
    left.backends = await load.close()
    left.connections += load.connections()
    ends.server = load.ends
  }
  return { rows, ends, left }
}

/** Runs the program and returns its exit code: 0, 1 when something is left over, 2 for bad arguments. */
async function main(args: string[]): Promise<number> {
  let values: { json: boolean; checkouts: string; 'on-server': string }
  try {
    values = parseArgs({
      args,
      options: {
        json: { type: 'boolean', default: false },
        checkouts: { type: 'string', default: '1000000' },
        'on-server': { type: 'string', default: '50000' },
      },
    }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`)
    return 2
  }
  const counts = [Number(values.checkouts), Number(values['on-server'])] as const
  if (!counts.every((count) => Number.isInteger(count) && count >= 0)) {
    console.error(`The numbers must be whole and not negative.\n${usage}`)
    return 2
  }
  const report = await runSoak(...counts, ({ load, checkouts }) => console.error(`${load}: ${checkouts}`))
  if (values.json)
    console.log(JSON.stringify({ date: new Date().toISOString(), bun: Bun.version, ...report }, null, 2))
  else {
    console.table(report.rows)
    console.log({ ends: report.ends, left: report.left })
  }
  return Object.values(report.left).every((count) => count === 0) ? 0 : 1
}

// No process.exit: a timer or socket left over would keep the program running.
if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
