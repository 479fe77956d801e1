import { readdirSync, readFileSync } from 'node:fs'
import type { Registry } from 'prom-client'
import type { EventLoopLag, EventLoopMonitor } from '../context/event-loop.ts'
import { runtime } from '../context/runtime.ts'
import { registerSnapshot } from './snapshot-metric.ts'

/** The process at one moment. */
interface ProcessSnapshot {
  cpu: NodeJS.CpuUsage
  memory: NodeJS.MemoryUsage
  lag: EventLoopLag | null
}

type ProcessMetric = readonly [name: string, help: string, read: (snapshot: ProcessSnapshot) => number | null]

const startedAt = () => Math.round(performance.timeOrigin) / 1_000

const counters: readonly ProcessMetric[] = [
  ['process_cpu_user_seconds_total', 'User CPU time.', ({ cpu }) => cpu.user / 1e6],
  ['process_cpu_system_seconds_total', 'System CPU time.', ({ cpu }) => cpu.system / 1e6],
  ['process_cpu_seconds_total', 'User and system CPU time.', ({ cpu }) => (cpu.user + cpu.system) / 1e6],
]

const gauges: readonly ProcessMetric[] = [
  ['process_start_time_seconds', 'Start of the process since the Unix epoch.', startedAt],
  ['process_resident_memory_bytes', 'Resident memory.', ({ memory }) => memory.rss],
  ['process_open_fds', 'Open file descriptors.', openFileDescriptors],
  ['process_max_fds', 'Maximum number of open file descriptors.', maxFileDescriptors],
  [
    'nodejs_heap_size_used_bytes',
    'Heap in use, as the JavaScript engine reports it.',
    ({ memory }) => memory.heapUsed,
  ],
  ['nodejs_external_memory_bytes', 'Memory of buffers outside the heap.', ({ memory }) => memory.external],
  ['nodejs_eventloop_lag_mean_seconds', 'Mean lag of timers.', ({ lag }) => lag && lag.meanMs / 1_000],
  [
    'nodejs_eventloop_lag_p99_seconds',
    '99th percentile of the lag of timers.',
    ({ lag }) => lag && lag.p99Ms / 1_000,
  ],
  ['nodejs_eventloop_lag_max_seconds', 'Longest lag of a timer.', ({ lag }) => lag && lag.maxMs / 1_000],
]

/**
 * Adds the metrics of the process and of its event loop to a registry, named as prom-client's default ones.
 *
 * Those themselves are not used: under Bun their heap spaces, handles, requests and garbage collection are always zero or
 * empty, three of their names break Prometheus' rules, and each call starts another measurement of the event loop that
 * nothing ends.
 *
 * @returns A function that takes the snapshot they all show next: call it before each scrape.
 */
export function registerProcessMetrics(registry: Registry, eventLoop?: EventLoopMonitor): () => void {
  let snapshot = takeSnapshot()

  function takeSnapshot(): ProcessSnapshot {
    return { cpu: process.cpuUsage(), memory: process.memoryUsage(), lag: eventLoop?.lag() ?? null }
  }
  function register(type: 'counter' | 'gauge', [name, help, read]: ProcessMetric): void {
    const values = () => {
      const value = read(snapshot)
      return value === null ? [] : [{ value }]
    }
    registerSnapshot(registry, { name, help, type, values })
  }

  for (const metric of counters) register('counter', metric)
  for (const metric of gauges) register('gauge', metric)
  registerSnapshot(registry, {
    name: 'process_runtime_info',
    help: 'Runtime of the process; always 1.',
    type: 'gauge',
    values: () => [{ value: 1, labels: { ...runtime } }],
  })
  return () => {
    snapshot = takeSnapshot()
  }
}

/** null where there is no /proc. */
function openFileDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return null
  }
}

function maxFileDescriptors(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? null : Number(limit)
  } catch {
    return null
  }
}
