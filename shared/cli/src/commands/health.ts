import { escapeHidden } from '@shared/monitor/plain-text'
import { positiveNumber } from '../command-line/arguments.ts'
import { defineCommand } from '../command-line/command.ts'
import { aborted, listenForStop } from '../command-line/stop-request.ts'
import { readServiceHealth, renderHealth } from '../reports/health.ts'
import { composeEnvironments, type ServiceSetup } from '../workspace/service-environment.ts'
import { findServices } from '../workspace/services.ts'

export const command = defineCommand({
  synopsis: '[service…]',
  description: `
Requests /readyz, /health and, where it is allowed, /health/detailed of the running services, at the addresses in their
environments. Exit code 1 unless every one is healthy.`,
  options: {
    json: { type: 'boolean', description: 'Print one JSON document (with --watch one a line).' },
    watch: { type: 'boolean', description: 'Repeat until Ctrl-C.' },
    interval: { type: 'string', value: 'seconds', description: 'Pause of --watch. Default 2.' },
    timeout: { type: 'string', value: 'seconds', description: 'Longest time for one answer. Default 3.' },
  },
  positionals: true,
  async run({ values, positionals }) {
    const timeoutMs = positiveNumber('--timeout', values.timeout, 3) * 1000
    const intervalMs = positiveNumber('--interval', values.interval, 2) * 1000
    const setups = composeEnvironments(await findServices(positionals))
    const json = values.json === true
    if (values.watch !== true) return show(setups, { timeoutMs, json, again: false })
    using stop = listenForStop()
    let exitCode = 0
    while (!stop.signal.aborted) {
      exitCode = await show(setups, { timeoutMs, json, again: true })
      await Promise.race([aborted(stop.signal), Bun.sleep(intervalMs)])
    }
    return exitCode
  },
})

async function show(
  setups: readonly ServiceSetup[],
  options: { timeoutMs: number; json: boolean; again: boolean },
): Promise<number> {
  const reports = await Promise.all(setups.map((setup) => readServiceHealth(setup, options.timeoutMs)))
  const healthy = reports.every(({ status }) => status === 'healthy')
  if (options.json)
    console.log(escapeHidden(JSON.stringify({ healthy, services: reports }, null, options.again ? 0 : 2)))
  else {
    if (options.again && process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H')
    console.log(renderHealth(reports))
  }
  return healthy ? 0 : 1
}
