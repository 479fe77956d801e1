import { errorCode } from './log/error-code.ts'

/** How long the service may take to answer, in ms; the container's own timeout is longer. */
const requestMs = 2_000

/**
 * Requests `/readyz` of the service in this container: the program of an image's HEALTHCHECK.
 *
 * @param environment The service's own: HOST and PORT. PORT must be there, as this program knows no service.
 * @param report Gets the reason for an exit code other than 0; `docker inspect` shows it.
 * @returns The exit code: 0 ready, 1 not ready, or no answer within two seconds.
 */
export async function checkReadiness(
  environment: Readonly<Record<string, string | undefined>>,
  report: (reason: string) => void,
): Promise<0 | 1> {
  const { HOST, PORT } = environment
  if (!PORT) {
    report('PORT is not set: give the container the port that its service listens on')
    return 1
  }
  try {
    const response = await fetch(`http://${reachable(HOST || '0.0.0.0')}:${PORT}/readyz`, {
      signal: AbortSignal.timeout(requestMs),
      redirect: 'manual',
    })
    if (response.status === 200) return 0
    report(`/readyz answers ${response.status} ${await response.text()}`)
  } catch (error) {
    report(`/readyz does not answer: ${reasonOf(error)}`)
  }
  return 1
}

/** One can listen on a wildcard address, but not connect to it. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** `ECONNREFUSED`, `TimeoutError`: short, and without the address, which is known. */
function reasonOf(error: unknown): string {
  return errorCode(error) ?? (error instanceof Error ? error.name : 'unknown error')
}

if (import.meta.main) process.exit(await checkReadiness(process.env, console.log))
