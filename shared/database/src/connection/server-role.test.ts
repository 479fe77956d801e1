import { expect, test } from 'bun:test'
import { mismatch, readServerRole, type ServerRole, type SessionAttrs } from './server-role.ts'

const roles = {
  primary: { isStandby: false, isReadOnly: false, timeline: 1 },
  'primary that takes no writes': { isStandby: false, isReadOnly: true, timeline: 1 },
  standby: { isStandby: true, isReadOnly: false, timeline: null },
} satisfies Record<string, ServerRole>

// The rows are the table of libpq's target_session_attrs.
const accepted: [SessionAttrs, string[]][] = [
  ['any', ['primary', 'primary that takes no writes', 'standby']],
  ['prefer-standby', ['primary', 'primary that takes no writes', 'standby']],
  ['read-write', ['primary']],
  ['read-only', ['primary that takes no writes', 'standby']],
  ['primary', ['primary', 'primary that takes no writes']],
  ['standby', ['standby']],
]

test.each(accepted)('%s takes %p', (attrs, expected) => {
  const taken = Object.entries(roles).filter(([, role]) => mismatch(role, attrs) === null)
  expect(taken.map(([name]) => name)).toEqual(expected)
})

test('a server that has no log to ask about is asked without the time line', async () => {
  const asked: string[] = []
  const role = await readServerRole(async (text) => {
    asked.push(text)
    if (text.includes('pg_walfile_name'))
      throw Object.assign(new Error('not supported'), { code: '0A000', severity: 'ERROR' })
    return [{ isStandby: false, isReadOnly: false }]
  })
  expect({ role, questions: asked.length }).toEqual({
    role: roles.primary && { ...roles.primary, timeline: null },
    questions: 2,
  })
})
