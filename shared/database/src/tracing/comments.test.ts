import { expect, test } from 'bun:test'
import { createComments, formatComment } from './comments.ts'

test('a comment is written as sqlcommenter has it: by name, URL-encoded, in quotes', () => {
  expect([
    formatComment({
      traceparent: '00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',
      db_driver: 'x y',
      route: '/polls 1000',
    }),
    formatComment({ "it's": "it's" }),
    formatComment({}),
    formatComment({ empty: '' }),
  ]).toEqual([
    "\n/*db_driver='x%20y',route='%2Fpolls%201000',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/",
    "\n/*it%27s='it%27s'*/",
    '',
    '',
  ])
})

test.each(['*/ drop table t; --', "'*/", '/*', '\\', '\n', '\ud800', '*', '--', '$1', '?'])(
  'nothing in a tag can end the comment or begin another: %p',
  (hostile) => {
    const comment = formatComment({ [`k${hostile}`]: hostile })
    expect(comment).toMatch(/^\n\/\*[\w%.-]+='[\w%.-]+'\*\/$/)
  },
)

test('a statement gets the constant tags, its own ones on top, and none where it has a comment or the function fails', () => {
  let own: Record<string, string> | null = null
  const commentOf = createComments({
    tags: { application: 'a', route: 'none' },
    perStatement: () => {
      if (own?.route === 'throws') throw new Error('of the application')
      return own
    },
  })
  const plain = commentOf?.('select 1')
  own = { route: 'r' }
  const withOwn = commentOf?.('select 1')
  const commented = [commentOf?.('select 1 /* c */'), commentOf?.('select 1 -- c')]
  own = { route: 'throws' }
  const failed = commentOf?.('select 1')
  expect({ plain, withOwn, commented, failed, nothing: createComments({}) }).toEqual({
    plain: { comment: "\n/*application='a',route='none'*/" },
    withOwn: { comment: "\n/*application='a',route='r'*/", mode: 'unprepared' },
    commented: [{ comment: '' }, { comment: '' }],
    failed: { comment: "\n/*application='a',route='none'*/" },
    nothing: null,
  })
})
