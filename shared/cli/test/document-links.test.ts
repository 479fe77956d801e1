import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repositoryRoot } from '../src/workspace/packages.ts'

/** The targets of a document's links to files of the repository, without their anchors. */
function linkedFiles(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
    .map((target) => target.replace(/#.*$/, ''))
}

test('every link of the README, of CONTRIBUTING and of the decisions leads to a file or a folder that exists', () => {
  const decisions = [...new Bun.Glob('docs/**/*.md').scanSync({ cwd: repositoryRoot })]
  const documents = ['README.md', 'CONTRIBUTING.md', ...decisions]
  const broken = documents.flatMap((path) =>
    linkedFiles(readFileSync(join(repositoryRoot, path), 'utf8'))
      .filter((target) => !existsSync(join(repositoryRoot, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  )
  expect({ broken, decisions: decisions.length > 5 }).toEqual({ broken: [], decisions: true })
})

test('a link is read off without its anchor, and one to another host or to the same page is not to a file', () => {
  const text = '[a](src/a.ts) [b](b.md#part) [c](https://bun.sh) [d](#part) ![e](e.png)'
  expect(linkedFiles(text)).toEqual(['src/a.ts', 'b.md', 'e.png'])
})
