import { baseUrl, type ServiceSetup } from '../workspace/service-environment.ts'

/** The state of a service that was just started. */
export type Readiness = 'ready' | 'migrations pending' | 'not ready yet' | 'ended'

const pollMs = 25
const requestMs = 2_000

/** Asks `/readyz` until it answers 200 or that migrations are pending, the service has ended, the time is up or the signal is aborted. */
export async function awaitReady(
  setup: ServiceSetup,
  options: { timeoutMs: number; hasEnded: () => boolean; signal: AbortSignal },
): Promise<Readiness> {
  const deadline = performance.now() + options.timeoutMs
  while (performance.now() < deadline && !options.signal.aborted) {
    if (options.hasEnded()) return 'ended'
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(requestMs)])
    const response = await fetch(`${baseUrl(setup)}/readyz`, { signal }).catch(() => null)
    const body: unknown = await response?.json().catch(() => null)
    if (response?.ok && !options.hasEnded()) return 'ready'
    if (isBehind(body)) return 'migrations pending'
    await Bun.sleep(pollMs)
  }
  return options.hasEnded() ? 'ended' : 'not ready yet'
}

const isBehind = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'status' in body && body.status === 'database-behind'
