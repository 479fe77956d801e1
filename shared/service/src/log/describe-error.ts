import {
  causes,
  type Deadline,
  describeFailedStatement,
  describeFailedStatementInFull,
  type FailedStatementInFull,
  findDatabaseError,
  limitText,
  sqlState,
} from '@shared/database'
import { Problem } from '../problem/problem.ts'
import { errorCode } from './error-code.ts'

/**
 * What a log may contain of an error: enough to find it, nothing that came from a client. Of a statement its text without constants,
 * and the names of what it broke on; in development all of it.
 */
export interface ErrorDescription extends FailedStatementInFull {
  class: string
  code?: string
  sqlState?: string
  /** The deadline that ended the work: who set it and what the time was spent on. */
  deadline?: Deadline
  /** What a problem came from, by its code or class: `ECONNREFUSED`. */
  cause?: string
  message?: string
  frames?: string[]
}

/**
 * Describes an error for a log line by class, code, SQLSTATE, statement and stack frames.
 *
 * Messages of Drizzle and of the server are left out: they hold SQL, parameters and row values. Messages of our
 * own errors are kept; those of other errors too, with every URL cut out.
 *
 * @param inFull With SQL, parameters and the server's words: for development alone. Default false.
 */
export function describeError(error: unknown, inFull = false): ErrorDescription {
  if (!(error instanceof Error)) return { class: typeof error }
  const database = findDatabaseError(error)
  const state = sqlState(error)
  const subject = database ?? origin(error)
  return {
    class: subject.constructor.name,
    code: errorCode(subject),
    ...(state !== null && { sqlState: state }),
    ...(database?.deadline && { deadline: database.deadline }),
    ...(subject instanceof Problem && subject.cause instanceof Error && { cause: nameOf(subject.cause) }),
    ...(mayBeQuoted(error, database) && { message: withoutUrls(subject.message) }),
    ...(inFull ? describeFailedStatementInFull(error) : describeFailedStatement(error)),
    ...(!(subject instanceof Problem) && { frames: frames(error) }),
  }
}

function mayBeQuoted(error: Error, database: Error | null): boolean {
  return database !== null || ![...causes(error)].some((cause) => isDatabaseText(cause))
}

/** Drizzle's errors carry the query, the driver's carry the server's message, which quotes values. */
function isDatabaseText(error: Error): boolean {
  return 'query' in error || 'params' in error || 'parameters' in error || sqlState(error) !== null
}

/** The innermost cause, as a wrapper's class identifies nothing; a problem is described itself. */
function origin(error: Error): Error {
  return error instanceof Problem ? error : innermost(error)
}

function innermost(error: Error): Error {
  return [...causes(error)].at(-1) ?? error
}

function nameOf(error: Error): string {
  const source = innermost(error)
  return errorCode(source) ?? source.constructor.name
}

function withoutUrls(message: string): string {
  return limitText(message.replaceAll(/[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[url]'))
}

/** Stack lines after the message, which may itself span lines. */
function frames(error: Error): string[] {
  const stack = error.stack ?? ''
  const start = stack.indexOf(error.message)
  const after = start === -1 ? stack : stack.slice(start + error.message.length)
  return after
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 8)
}
