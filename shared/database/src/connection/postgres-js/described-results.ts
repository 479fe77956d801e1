const bindType = 0x42
const describeType = 0x44

/**
 * Has the server describe every result that comes of a named statement: before each Bind of one goes a Describe of it.
 *
 * The driver describes a statement once, when it prepares it, and reads all later rows by that. The server alone would
 * refuse a plan whose columns have changed. A pooler that keeps track of prepared statements instead prepares the text anew on
 * a connection to the server that has not seen it, and the rows would silently be read as what they were before.
 *
 * @param messages Whole messages of a client's that has logged in.
 */
export function withDescriptions(messages: Uint8Array): Uint8Array {
  const bytes = Buffer.from(messages.buffer, messages.byteOffset, messages.byteLength)
  const parts: Uint8Array[] = []
  let [from, previous] = [0, 0]
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at] as number
    const statement = type === bindType && previous !== describeType ? statementOf(bytes, at) : null
    if (statement && statement.length > 0) {
      parts.push(bytes.subarray(from, at), describe(statement))
      from = at
    }
    previous = type
    at += 1 + bytes.readUInt32BE(at + 1)
  }
  return parts.length === 0 ? messages : Buffer.concat([...parts, bytes.subarray(from)])
}

/** The name in a Bind, behind that of its portal. */
function statementOf(bytes: Buffer, at: number): Buffer {
  const start = bytes.indexOf(0, at + 5) + 1
  return bytes.subarray(start, bytes.indexOf(0, start))
}

function describe(name: Buffer): Buffer {
  const message = Buffer.alloc(1 + 4 + 1 + name.length + 1)
  message[0] = describeType
  message.writeUInt32BE(message.length - 1, 1)
  message.write('S', 5, 'latin1')
  name.copy(message, 6)
  return message
}
