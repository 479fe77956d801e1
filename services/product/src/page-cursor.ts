import { z } from 'zod'

/** Where a page ends: the creation time and the id of its last product. */
export interface PageCursor {
  createdAt: Date
  id: string
}

const content = z.tuple([z.iso.datetime(), z.uuid()])

/** Renders a cursor as opaque text for a query string. */
export function encodeCursor({ createdAt, id }: PageCursor): string {
  return Buffer.from(`${createdAt.toISOString()},${id}`).toString('base64url')
}

/** Parses what `encodeCursor` made; anything else is an issue of the field. */
export const cursorField = z
  .string()
  .max(200)
  .transform((text, context): PageCursor => {
    const parsed = content.safeParse(Buffer.from(text, 'base64url').toString().split(','))
    if (parsed.success) return { createdAt: new Date(parsed.data[0]), id: parsed.data[1] }
    context.addIssue('must be the nextCursor of a page')
    return z.NEVER
  })
