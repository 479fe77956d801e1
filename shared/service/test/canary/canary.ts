import { inspect } from 'node:util'

/** In every secret of the canary tests; nothing of it changes when it is percent-encoded. */
const mark = 'c4naryBird'

/** Secrets as services are given them. The password has every character that a URL must encode. */
export const secrets = {
  DATABASE_PASSWORD: `${mark}-runtime p@ss/w:o?r#d%&+"'\\`,
  MIGRATION_PASSWORD: `${mark}-migrator p@ss/w:ord%`,
  HEALTH_TOKEN: `${mark}-health-token`,
} as const

const shapes = [mark, Buffer.from(mark).toString('hex'), ...base64Of(mark)].map((shape) =>
  shape.toLowerCase(),
)

/** Base64 of a text at each of the three alignments, less the characters that its neighbours change. */
function base64Of(text: string): string[] {
  return ['', 'x', 'xx'].map((before) => {
    const encoded = Buffer.from(before + text).toString('base64')
    return encoded.slice(
      Math.ceil((before.length * 4) / 3),
      Math.floor(((before.length + text.length) * 4) / 3),
    )
  })
}

/** Whether a text shows a secret, plainly or encoded. */
export function isLeak(text: string): boolean {
  const lower = text.toLowerCase()
  return shapes.some((shape) => lower.includes(shape))
}

/** Lines of a text that show a secret. */
export const leaksIn = (text: string): string[] => text.split('\n').filter(isLeak)

/** The ways in which printing this value shows a secret. */
export function leaksOf(value: unknown): string[] {
  const printed: Record<string, () => unknown> = {
    'Bun.inspect': () => Bun.inspect(value, { depth: 10 }),
    'util.inspect': () => inspect(value, { depth: 10, showHidden: true, getters: true }),
    'JSON.stringify': () => JSON.stringify(value, withoutRings()),
    String: () => String(value),
    stack: () =>
      value instanceof Error ? chain(value).map(({ stack, message }) => `${stack}\n${message}`) : '',
  }
  return Object.entries(printed)
    .filter(([, print]) => isLeak(String(attempt(print))))
    .map(([way]) => way)
}

/** JSON.stringify's replacer that shows an error's own fields too and stops at rings. */
function withoutRings() {
  const seen = new Set<unknown>()
  return (_key: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (seen.has(value)) return null
    seen.add(value)
    return value instanceof Error ? { ...value, message: value.message, cause: value.cause } : value
  }
}

function chain(error: Error): Error[] {
  const found: Error[] = []
  for (let link: unknown = error; link instanceof Error && !found.includes(link); link = link.cause)
    found.push(link)
  return found
}

/** What cannot be printed, such as a proxy that throws, shows nothing. */
function attempt(print: () => unknown): unknown {
  try {
    return print()
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}
