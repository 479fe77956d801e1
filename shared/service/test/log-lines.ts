import { createLogger, type LoggerOptions } from '../src/index.ts'

/** A logger whose lines are kept: as they were written, and parsed. */
export function keepLines(options: Partial<LoggerOptions> = {}) {
  const written: string[] = []
  const logger = createLogger({
    service: 'test',
    level: 'debug',
    ...options,
    destination: { write: (line) => void written.push(line) },
  })
  return {
    logger,
    text: () => written.join(''),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}
