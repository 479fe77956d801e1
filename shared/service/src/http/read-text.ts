/** Reads a body to its end, or gives up on one that is longer than `maxBytes` and answers null. */
export async function readText({ body }: Pick<Response, 'body'>, maxBytes: number): Promise<string | null> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
