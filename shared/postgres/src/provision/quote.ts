/** Quotes a name for SQL, as format's `%I` does but always. Throws a TypeError for a name with a NUL. */
export function quoteIdentifier(name: string): string {
  refuseNul(name)
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a text for SQL, as format's `%L` does; right whatever standard_conforming_strings is. */
export function quoteLiteral(text: string): string {
  refuseNul(text)
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new TypeError('SQL text cannot hold a NUL character')
}
