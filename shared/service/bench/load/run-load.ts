import type { LoadReport, LoadTask } from './generator.ts'

const generator = `${import.meta.dir}/generator.ts`

/** Puts a server under load from a process of its own. @throws {Error} An answer was not the one expected, or none came. */
export async function runLoad(task: LoadTask): Promise<LoadReport> {
  const child = Bun.spawn([process.execPath, generator, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, exitCode] = await Promise.all([child.stdout.text(), child.exited])
  if (exitCode !== 0) throw new Error(`The load generator ended with ${exitCode}.`)
  const report: LoadReport = JSON.parse(output)
  if (report.failed > 0)
    throw new Error(`${report.failed} of ${report.requests + report.failed} answers were not ${task.status}.`)
  return report
}

/** Writes a request out. */
export function requestOf(method: string, path: string, body?: unknown): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n`
  if (body === undefined) return `${head}\r\n`
  const text = JSON.stringify(body)
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}
