import { UsageError } from './errors.ts'

/** Where the console listens unless something else is said. */
export const defaultConsolePort = 8000

/** Reads a port for the console; 0 takes a free one. @throws {UsageError} It is none. */
export function consolePort(name: string, text: string | undefined, fallback = defaultConsolePort): number {
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`${name} must be a port from 0 to 65535, not ${text}`)
  return port
}
