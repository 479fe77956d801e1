import { inspect } from 'node:util'

/** A value as the runtime's own `console.log` prints it, with all that it holds. */
export function printed(value: unknown): string {
  return 'Bun' in globalThis ? Bun.inspect(value, { depth: 20 }) : inspect(value, { depth: 20 })
}
