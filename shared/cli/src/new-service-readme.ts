import type { ServiceDefinition } from '@shared/env'

const row = /^\| \w+ \| http:\/\/127\.0\.0\.1:\d+ \| `\w+` \|.*\n/gm

/** Adds a row to the table of services; a README without such a table stays as it is. */
export function addToReadme(text: string, { service, database, port }: ServiceDefinition): string {
  const last = [...text.matchAll(row)].at(-1)
  if (last === undefined) return text
  const end = last.index + last[0].length
  return `${text.slice(0, end)}| ${service} | http://127.0.0.1:${port} | \`${database}\` | items |\n${text.slice(end)}`
}
