import { createObserver, type Observer } from '@shared/console'
import { escapeHidden } from '@shared/monitor/plain-text'
import { positiveNumber } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { aborted, listenForStop } from '../command-line/stop-request.ts'
import { targetsOf } from '../reports/console.ts'
import { type StatusSummary, summarise } from '../reports/status-summary.ts'
import { renderStatus } from '../reports/status-table.ts'
import { paint } from '../terminal/paint.ts'
import { openScreen } from '../terminal/screen.ts'
import { composeEnvironments } from '../workspace/service-environment.ts'
import { findServices } from '../workspace/services.ts'

const narrowest = 60
const widthWithoutTerminal = 100

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Shows the connection pool of each running service: connections in use, idle and overflow, waiting callers,
statements behind others, the longest wait (p99, worst of the last 10 s), the database's latency, requests that failed in the
last 5 minutes, who blocks whom, the role and lag of each host
where the database has several, advice, and the latest events. Exit code 1 unless every service is healthy.

Requests /health/monitor at the addresses in the services' environments, with the HEALTH_TOKEN that they name.`,
  options: {
    watch: { type: 'boolean', short: 'w', description: 'Draw it again until Ctrl-C.' },
    json: { type: 'boolean', description: 'Print one JSON document (with --watch one a line).' },
    interval: { type: 'string', value: 'seconds', description: 'Pause of --watch. Default 1.' },
    timeout: { type: 'string', value: 'seconds', description: 'Longest time for one answer. Default 2.' },
  },
  positionals: true,
  async run({ values, positionals }) {
    const timeoutMs = positiveNumber('--timeout', values.timeout, 2) * 1000
    const intervalMs = positiveNumber('--interval', values.interval, 1) * 1000
    const setups = composeEnvironments(await findServices(positionals))
    const observers = targetsOf(setups).map((target) => createObserver(target, { timeoutMs }))
    const json = values.json === true
    if (values.watch !== true) {
      const services = await poll(observers)
      console.log(json ? escapeHidden(JSON.stringify(toDocument(services), null, 2)) : draw(services))
      return exitCodeOf(services)
    }
    return watch(observers, { intervalMs, json })
  },
})

async function watch(
  observers: readonly Observer[],
  { intervalMs, json }: { intervalMs: number; json: boolean },
): Promise<number> {
  using stop = listenForStop()
  using screen = json ? null : openScreen(process.stdout)
  let services: StatusSummary[] = []
  const redraw = (): void => screen?.draw(draw(services))
  process.stdout.on('resize', redraw)
  try {
    while (!stop.signal.aborted) {
      services = await poll(observers)
      if (json) console.log(escapeHidden(JSON.stringify(toDocument(services))))
      else redraw()
      await Promise.race([aborted(stop.signal), Bun.sleep(intervalMs)])
    }
  } finally {
    process.stdout.off('resize', redraw)
  }
  return exitCodeOf(services)
}

async function poll(observers: readonly Observer[]): Promise<StatusSummary[]> {
  await Promise.all(observers.map((observer) => observer.poll()))
  return observers.map((observer) => summarise(observer.view(), Date.now()))
}

function draw(services: readonly StatusSummary[]): string {
  const width = Math.max(process.stdout.columns || widthWithoutTerminal, narrowest)
  return renderStatus(services, { width, paint, now: Date.now() })
}

const isHealthy = ({ status }: StatusSummary): boolean => status === 'healthy'

const exitCodeOf = (services: readonly StatusSummary[]): number => (services.every(isHealthy) ? 0 : 1)

const toDocument = (services: readonly StatusSummary[]) => ({ healthy: services.every(isHealthy), services })
