import { z } from '@hono/zod-openapi'
import { titleOf } from '../problem/problem.ts'

/** The body of every error, as the API's document describes it (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.literal('about:blank').meta({ description: 'The title is the phrase of the status.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'One sentence for the client.' }),
    instance: z.string().meta({ description: 'The path of the request.' }),
    code: z.string().meta({ description: 'Stable, for programs: which rule was broken.' }),
    requestId: z.string().meta({ description: 'Quote it when you report the problem; the log has it too.' }),
    errors: z
      .array(
        z.object({
          in: z.enum(['json', 'query', 'param', 'header', 'form', 'cookie']),
          path: z.string(),
          message: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'The fields that are wrong, for `invalid-request`.' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' })

const content = { 'application/problem+json': { schema: problemSchema } }

/** Responses of a route by status, each with the codes it may carry, e.g. `problems({ 404: ['product-not-found'] })`. */
export function problems<const Status extends number>(codes: Record<Status, readonly string[]>) {
  const responses = Object.entries<readonly string[]>(codes).map(([status, list]) => [
    status,
    { description: `${titleOf(Number(status))}: ${list.map((code) => `\`${code}\``).join(', ')}`, content },
  ])
  return Object.fromEntries(responses) as Record<Status, { description: string; content: typeof content }>
}
