import { type Report, renderReport } from './report.ts'

/** Puts the report into the block `report` of a Markdown file. @throws {Error} There is no such block. */
export async function saveReport(path: string, report: Report, note: string): Promise<void> {
  await saveBlock(path, 'report', `${note}\n\n\`\`\`\n${renderReport(report)}\n\`\`\``)
}

/** Writes what stands between the lines `<!-- <name>: begin -->` and `<!-- <name>: end -->` of a file. @throws {Error} They are missing. */
export async function saveBlock(path: string, name: string, content: string): Promise<void> {
  const text = await Bun.file(path).text()
  const [from, to] = findBlock(text, name)
  await Bun.write(path, `${text.slice(0, from)}${content}\n${text.slice(to)}`)
}

/** What stands between these two lines of a text, without the line break at its end. @throws {Error} They are missing. */
export function blockOf(text: string, name: string): string {
  const [from, to] = findBlock(text, name)
  return text.slice(from, to - 1)
}

function findBlock(text: string, name: string): [from: number, to: number] {
  const begin = `<!-- ${name}: begin -->\n`
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(`<!-- ${name}: end -->`, from)
  if (from < begin.length || to === -1)
    throw new Error(`There are no lines <!-- ${name}: begin --> and <!-- ${name}: end -->.`)
  return [from, to]
}
