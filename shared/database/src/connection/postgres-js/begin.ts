import type { Rows } from '../statement.ts'

/**
 * BEGIN as the extended protocol has it (Parse, Bind, Execute), without a Sync: whatever is sent next belongs to the same
 * group, and is skipped by the server if BEGIN fails. So a transaction's first statement needs no round trip of its own and
 * can still never run outside of it. pgjdbc does the same (QueryExecutorImpl.sendQueryPreamble).
 */
export function beginMessages(begin: string): Buffer {
  const text = Buffer.from(begin)
  const parse = message('P', 1 + text.length + 1 + 2)
  text.copy(parse, 6)
  const bind = message('B', 1 + 1 + 2 + 2 + 2)
  const execute = message('E', 1 + 4)
  return Buffer.concat([parse, bind, execute])
}

/** A message whose body is all zeros: unnamed, without parameters, without limits. */
function message(type: string, bodyLength: number): Buffer {
  const bytes = Buffer.alloc(1 + 4 + bodyLength)
  bytes.write(type, 0, 'latin1')
  bytes.writeInt32BE(4 + bodyLength, 1)
  return bytes
}

/** The answer of the statement behind a BEGIN: the driver may have put that of BEGIN before it. */
export function withoutBegin(answer: Rows): Rows {
  if (answer.command !== undefined) return answer
  const [first, ...rest] = answer as Rows[]
  if (first?.command !== 'BEGIN') return answer
  return rest.length === 1 ? (rest[0] as Rows) : rest
}
