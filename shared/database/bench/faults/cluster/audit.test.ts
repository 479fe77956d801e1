import { expect, test } from 'bun:test'
import { audit } from './audit.ts'

test('what was answered is lost when it is not there, and what was said not to be there is wrong when it is', () => {
  const claims = { done: [1, 2, 3], absent: [4, 5], unknown: [6, 7] }
  expect(audit(claims, [1, 2, 2, 5, 6])).toEqual({ lost: 1, twice: 1, wrong: 1 })
  expect(audit(claims, [1, 2, 3, 7])).toEqual({ lost: 0, twice: 0, wrong: 0 })
})
