import { escapeHidden } from '@shared/monitor/plain-text'
import pino from 'pino'
import pretty from 'pino-pretty'
import { describeError } from './describe-error.ts'
import { traceIds } from './trace-ids.ts'

/** The service's logger: pino's, with `info`, `warn`, `error`, `fatal`, `child` … */
export type Logger = pino.Logger

/** What `createLogger` needs. */
export interface LoggerOptions {
  service: string
  /** pino's levels or `silent`. Default `info`. */
  level?: string
  /** `json` for machines, `pretty` for people. Default `json`. */
  format?: 'json' | 'pretty'
  /** Whether errors are written with SQL, parameters and the server's words: for development alone. Default false. */
  withValues?: boolean
  /** Where lines go. Default: standard output, synchronously, so that no line is lost when the process ends. */
  destination?: pino.DestinationStream
}

const secretKeys = [
  'password',
  'passwordHash',
  'password_hash',
  'token',
  'tokenHash',
  'authorization',
  'cookie',
  'url',
  'secret',
]

/** Creates the logger of one service. Every error is written as `describeError` describes it, every line with the ids of its trace. */
export function createLogger(options: LoggerOptions): Logger {
  const { service, level = 'info', format = 'json', withValues = false } = options
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => describeError(error, withValues) },
      mixin: traceIds,
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
      hooks: {
        logMethod: withoutMessages,
        streamWrite: format === 'pretty' ? (line) => keepEscapes(escapeHidden(line)) : escapeHidden,
      },
    },
    options.destination ?? (format === 'pretty' ? prettyOutput() : pino.destination({ dest: 1, sync: true })),
  )
}

/** A logger that writes nothing, for tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}

/** A stream in this process, not pino's worker transport: the last lines before an exit must come out. */
function prettyOutput(): pino.DestinationStream {
  return pretty({
    sync: true,
    destination: 1,
    singleLine: true,
    ignore: 'service',
    messageFormat: '{service} · {msg}',
  })
}

/** Escapes of control characters are doubled: printed for people, they would come out as those characters again. */
function keepEscapes(json: string): string {
  return json.replace(/\\(?:u[\da-f]{4}|.)/gi, (found) => (/^\\[nrtbfu]/.test(found) ? `\\${found}` : found))
}

/** pino takes an error's message as the line's own when none is given, which would print SQL. */
function withoutMessages(this: Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, message] = args as unknown[]
  const error = first instanceof Error ? first : errorIn(first)
  const named = error === undefined || typeof message === 'string'
  const merged = first instanceof Error ? { err: first } : first
  method.apply(this, named ? args : ([merged, 'error'] as unknown as typeof args))
}

function errorIn(value: unknown): Error | undefined {
  if (typeof value !== 'object' || value === null || !('err' in value)) return undefined
  return value.err instanceof Error ? value.err : undefined
}
