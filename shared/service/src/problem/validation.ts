import { zValidator } from '@hono/zod-validator'
import type { ValidationTargets } from 'hono'
import type { ZodType, z } from 'zod'
import type { FieldError } from './problem.ts'
import { Problem } from './problem.ts'

/** What a validator found in one part of a request. */
export type Validated = { target: keyof ValidationTargets } & (
  | { success: true; data: unknown }
  | { success: false; error: z.core.$ZodError }
)

/**
 * Validates one part of a request that is not described for the API's document; the route reads the result with
 * `c.req.valid(target)`.
 *
 * @throws {Problem} As {@link refuseInvalid}.
 */
export function validate<Target extends keyof ValidationTargets, Schema extends ZodType>(
  target: Target,
  schema: Schema,
) {
  return zValidator(target, schema, (result) => refuseInvalid(result as Validated))
}

/**
 * Refuses a part of a request that is not valid.
 *
 * @throws {Problem} 400 `invalid-request`, naming every field that is wrong and repeating no value. Text that
 * PostgreSQL cannot store (NUL characters, broken Unicode) is refused in every field, whatever its schema says.
 */
export function refuseInvalid(result: Validated): void {
  const { target } = result
  if (!result.success) {
    throw invalidRequest(result.error.issues.flatMap((issue) => fieldErrors(target, issue)))
  }
  const unstorable = unstorableTexts(result.data)
  if (unstorable.length > 0) {
    throw invalidRequest(
      unstorable.map((path) => ({ in: target, path, message: 'must not contain NUL or broken Unicode' })),
    )
  }
}

/** 400 for a request whose fields are wrong. */
export function invalidRequest(errors: FieldError[]): Problem {
  return new Problem({
    status: 400,
    code: 'invalid-request',
    detail: 'The request has fields that are missing, unknown or wrong.',
    errors,
  })
}

/** zod reports unknown keys at the object that has them, all in one issue. */
function fieldErrors(target: FieldError['in'], issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [{ in: target, path, message: issue.message }]
  return issue.keys.map((key) => ({
    in: target,
    path: [...issue.path, key].join('.'),
    message: 'is not a known field',
  }))
}

function unstorableTexts(value: unknown, path: string[] = []): string[] {
  if (typeof value === 'string') {
    return value.includes('\u0000') || !value.isWellFormed() ? [path.join('.')] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => unstorableTexts(member, [...path, key]))
}
