import { expect, test } from 'bun:test'
import { optionGroups } from '@shared/database'
import { optionDocuments, withComments } from '../src/options/documents.ts'

test('every file that shows options says what their tables say: bun run options --save writes it', async () => {
  const documents = await optionDocuments()
  const outdated = documents.filter(({ text, expected }) => text !== expected).map(({ path }) => path)
  expect({ outdated, files: documents.length > 5 }).toEqual({ outdated: [], files: true })
})

test('the comment over an entry is written from it, in place of the one that is there', () => {
  const { poolSize, prePing } = optionGroups.pool
  const source = 'const table = {\n  /** Old. */\n  poolSize: {\n    min: 1,\n  },\n  prePing: {\n  },\n}\n'
  expect(withComments(source, { poolSize, prePing })).toBe(
    `const table = {
  /** Connections kept open once used. With \`maxOverflow\`, the most that one process opens. 1 to 10 000. Default: 10. */
  poolSize: {
    min: 1,
  },
  /** Tests a connection that has been idle before it is handed out. Default: true. */
  prePing: {
  },
}
`,
  )
  expect(() => withComments('', { poolSize })).toThrow('There is no entry poolSize')
})
