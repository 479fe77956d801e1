import { ResponseReader } from './response-reader.ts'

/** What to request and how often, as the JSON of the program's only argument. */
export interface LoadTask {
  readonly port: number
  /** One whole HTTP/1.1 request. */
  readonly request: string
  /** Connections, each with one request at a time. */
  readonly connections: number
  readonly durationMs: number
  /** The status every answer has to have. */
  readonly status: number
}

/** What it prints, as JSON. */
export interface LoadReport {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers with another status, and connections that ended. */
  readonly failed: number
  /** Of this process for a request, to show whether it or the server was the limit. */
  readonly cpuUs: number
}

/** Sends the next request when the answer has come whole: no parsing beyond its status and length, no promises, no pipelining. */
async function run({ port, request, connections, durationMs, status }: LoadTask): Promise<LoadReport> {
  const bytes = Buffer.from(request)
  const times: number[] = []
  let failed = 0
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const connection = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const reader = new ResponseReader()
    let sentAt = 0
    let done = false
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open(socket) {
          sentAt = performance.now()
          socket.write(bytes)
        },
        data(socket, chunk) {
          const answered = reader.read(chunk)
          if (answered === null) return
          const now = performance.now()
          if (answered === status) times.push(now - sentAt)
          else failed++
          done = now >= endsAt
          if (done) socket.end()
          else {
            sentAt = now
            socket.write(bytes)
          }
        },
        close() {
          if (!done) failed++
          resolve()
        },
      },
    }).catch(reject)
    return promise
  }
  await Promise.all(Array.from({ length: connections }, connection))
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage()
  const sorted = Float64Array.from(times).sort()
  const rank = (percent: number) => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0
  return {
    requests: times.length,
    seconds,
    p50Ms: rank(50),
    p99Ms: rank(99),
    failed,
    cpuUs: (user + system) / Math.max(1, times.length),
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))))
  process.exit(0)
}
