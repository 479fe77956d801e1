import { ConfigurationError, shownValue } from '@shared/pool'

/** How values of a type are written and read, as the driver has it in `types`. */
export interface TypeCodec {
  /** Oid of the type that `serialize` writes. */
  readonly to: number
  /** Oids of the types that `parse` reads, and `serialize` writes too. */
  readonly from?: number | readonly number[] | undefined
  /** Makes the text that the server gets of a value. */
  // biome-ignore lint/suspicious/noExplicitAny: the values are the caller's own.
  readonly serialize?: ((value: any) => unknown) | undefined
  /** Makes a value of the server's text. */
  readonly parse?: ((text: string) => unknown) | undefined
}

/** Codecs of types by names of the caller's own. */
export type TypeCodecs = Readonly<Record<string, TypeCodec>>

/**
 * Checks what the driver would take without a word.
 *
 * @throws {ConfigurationError} naming what is wrong.
 */
export function checkTypeCodecs(types: TypeCodecs = {}): TypeCodecs {
  if (typeof types !== 'object' || types === null) throw wrong('types', 'an object of codecs by name', types)
  for (const [name, codec] of Object.entries(types)) {
    if (typeof codec !== 'object' || codec === null) throw wrong(`types.${name}`, 'an object', codec)
    const { to, from, serialize, parse } = codec
    const readFrom = from === undefined ? [] : [from].flat()
    if (!isOid(to)) throw wrong(`types.${name}.to`, 'the oid of a type', to)
    for (const oid of readFrom) if (!isOid(oid)) throw wrong(`types.${name}.from`, 'oids of types', oid)
    for (const [part, given] of Object.entries({ serialize, parse }))
      if (given !== undefined && typeof given !== 'function')
        throw wrong(`types.${name}.${part}`, 'a function', given)
    if (readFrom.length > 0 && !parse)
      throw wrong(`types.${name}.parse`, 'a function, as there is a from', parse)
  }
  return types
}

const isOid = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32

function wrong(option: string, expected: string, value: unknown): ConfigurationError {
  return new ConfigurationError(`Option ${option} must be ${expected}, got ${shownValue(value)}.`)
}
