/** A position in the write-ahead log. It grows with every write, also across promotions. */
export type Lsn = bigint

/** Reads a position as PostgreSQL writes it (`16/B374D848`); null where it is none. */
export function parseLsn(text: unknown): Lsn | null {
  const halves = typeof text === 'string' ? /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) : null
  return halves && (BigInt(`0x${halves[1]}`) << 32n) + BigInt(`0x${halves[2]}`)
}

/** Writes a position as PostgreSQL does. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase()
}
