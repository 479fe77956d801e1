/** Codecs by type oid, as the driver keeps them. It gives a parser marked `array` the text without its first brace. */
export interface Codecs {
  parsers: Record<number, Parser | undefined>
  serializers: Record<number, Serializer | undefined>
}

type Parser = ((text: string) => unknown) & { array?: boolean }
type Serializer = (value: unknown) => unknown

/** A type and the type of its arrays, by oid. */
export interface ArrayType {
  oid: number
  typarray: number
}

/** Lists the types that have arrays, for `addArrayTypes`: those made after `newest`, which is cheap; 0 for all. */
export function arrayTypesText(newest: number): string {
  return `select oid, typarray from pg_type where typarray <> 0 and oid > ${newest}`
}

// The one type whose arrays are written with another delimiter.
const boxArray = 1020

/**
 * Teaches the codecs the arrays of every type, as postgres.js' `fetch_types` would. That one can't be used: its query
 * runs unawaited, so that a connection lost at that moment ends the process.
 */
export function addArrayTypes(codecs: Codecs, types: readonly ArrayType[]): void {
  const { parsers, serializers } = codecs
  for (const { oid, typarray } of types) {
    if (parsers[typarray] && serializers[typarray]) continue
    const delimiter = typarray === boxArray ? ';' : ','
    const parser = parsers[oid] ?? ((text: string) => text)
    parsers[typarray] = Object.assign((text: string) => parseArray(text, delimiter, parser), { array: true })
    serializers[typarray] = (value) => serializeArray(value, delimiter, serializers[oid] ?? String)
  }
}

/**
 * Reads an array's text from behind its first brace. An unquoted NULL is given to the parser like any other text, as
 * postgres.js does: Drizzle is used to that.
 */
function parseArray(text: string, delimiter: string, parser: Parser): unknown[] {
  const outermost: unknown[] = []
  const open = [outermost]
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    const current = open.at(-1)
    if (!current) break
    if (char === '{') {
      const inner: unknown[] = []
      current.push(inner)
      open.push(inner)
    } else if (char === '}') {
      open.pop()
    } else if (char === '"') {
      let element = ''
      for (i++; i < text.length && text[i] !== '"'; i++) element += text[i] === '\\' ? text[++i] : text[i]
      current.push(parser(element))
    } else if (char !== delimiter) {
      const from = i
      while (i + 1 < text.length && text[i + 1] !== delimiter && text[i + 1] !== '}' && text[i + 1] !== '{')
        i++
      // What ends at a brace is no element but the bounds in front of an array, as in [0:1]={7,8}.
      if (text[i + 1] !== '{') current.push(parser(text.slice(from, i + 1)))
    }
  }
  return outermost
}

function serializeArray(value: unknown, delimiter: string, serialize: Serializer): unknown {
  if (!Array.isArray(value)) return value
  // The first element says whether all are arrays, as in the driver: of documents, any but the first may be a list.
  const isNested = Array.isArray(value[0])
  const elements = value.map((element) => {
    if (isNested) return serializeArray(element, delimiter, serialize)
    if (element === null) return 'null'
    if (element === undefined) throw undefinedValue()
    // What serializes to something else than text throws a TypeError here, as it does in the driver.
    const text = serialize(element) as string
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${elements.join(delimiter)}}`
}

function undefinedValue(): Error {
  const code = 'UNDEFINED_VALUE'
  return Object.assign(new Error(`${code}: Undefined values are not allowed`), { code })
}
