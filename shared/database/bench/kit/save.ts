import { type Report, renderReport } from './report.ts'

const [begin, end] = ['<!-- report: begin -->', '<!-- report: end -->']

/** Puts the report between the two marks of a Markdown file, as a block of text. @throws {Error} The marks are missing. */
export async function saveReport(path: string, report: Report, note: string): Promise<void> {
  const text = await Bun.file(path).text()
  const [before, rest] = split(text, begin)
  const [, after] = split(rest, end)
  const block = `${begin}\n${note}\n\n\`\`\`\n${renderReport(report)}\n\`\`\`\n${end}`
  await Bun.write(path, `${before}${block}${after}`)
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at === -1) throw new Error(`There is no line ${mark} to put the report after.`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
