import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { Problem } from '../problem/problem.ts'

/** The `headers` of a route that changes only what its client has seen, where the client asks for that. */
export const ifMatchHeaders = z.object({
  'If-Match': z.string().max(1000).optional().meta({
    description: 'The `ETag` of an earlier answer: nothing is changed where it is not that of now (412).',
  }),
})

/** The `headers` of a route that a client may ask whether anything has changed. */
export const ifNoneMatchHeaders = z.object({
  'If-None-Match': z.string().max(1000).optional().meta({
    description: 'The `ETag` of an earlier answer: 304 without a body where it is still that of now.',
  }),
})

/** The header of an answer, for the document. */
export const etagHeader = {
  ETag: {
    required: true,
    schema: { type: 'string' },
    description: 'The version, for If-Match and If-None-Match.',
  },
} as const

/** What a route of which nothing has changed answers, for the document. */
export const notModified = { 304: { description: 'Nothing has changed.' } } as const

/** Answers 304 without a body to a GET whose `If-None-Match` has the answer's `ETag`. */
export function conditionalGet() {
  // What middleware before it has set belongs to this answer too.
  const own = ['X-Request-Id', 'Access-Control-Allow-Origin', 'Access-Control-Expose-Headers']
  return etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...own] })
}

/** A strong entity tag. @param version A value that no two states of the resource share, after a failover neither: a random UUID. */
export function etagOf(version: string): string {
  return `"${version}"`
}

/**
 * Which versions the client wants to change: null for any, without the header and with `*`. Weak tags match nothing.
 *
 * @see RFC 9110, section 13.1.1
 */
export function wantedVersions(c: Context): string[] | null {
  const header = c.req.header('If-Match')?.trim()
  if (header === undefined || header === '*') return null
  const tags = header.split(',').map((tag) => /^"([\da-f-]{36})"$/.exec(tag.trim())?.[1])
  return tags.filter((version) => version !== undefined && z.uuid().safeParse(version).success) as string[]
}

/** 412: what the client has seen is not what is there now. */
export function preconditionFailed(): Problem {
  const detail = 'It has been changed since: read it again, and decide anew.'
  return new Problem({ status: 412, code: 'precondition-failed', detail })
}
