import { readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { repositoryRoot } from '../../src/workspace/packages.ts'

/** One instruction with what follows it on one line. */
export interface Instruction {
  /** The stage it is in, by name; empty before the first FROM. */
  readonly stage: string
  readonly name: string
  readonly text: string
}

/** Reads services/Dockerfile: without comments, continued lines joined. */
export function readDockerfile(): Instruction[] {
  const text = readFileSync(join(repositoryRoot, 'services/Dockerfile'), 'utf8')
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '')
  let stage = ''
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
      if (name === 'FROM') stage = / AS (\S+)$/.exec(rest)?.[1] ?? ''
      return { stage, name, text: rest }
    })
}

/** What follows each instruction of a name in a stage. */
export function instructionsOf(dockerfile: readonly Instruction[], stage: string, name: string): string[] {
  return dockerfile.filter((found) => found.stage === stage && found.name === name).map(({ text }) => text)
}

/** Puts build arguments in their places. */
export function withArguments(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

/** The words of an exec form, null for a shell form. */
export function execForm(text: string): string[] | null {
  const found = /(?:^|CMD )(\[.*\])$/.exec(text)
  return found?.[1] === undefined ? null : JSON.parse(found[1])
}

/** What a stage copies from the repository: source and target. */
export function copies(
  dockerfile: readonly Instruction[],
  stage: string,
  values: Readonly<Record<string, string>> = {},
): { source: string; target: string }[] {
  return instructionsOf(dockerfile, stage, 'COPY')
    .filter((text) => !text.startsWith('--from='))
    .flatMap((text) => {
      const words = withArguments(text, values).split(/\s+/)
      const target = words.at(-1) ?? ''
      return words.slice(0, -1).map((source) => ({ source, target }))
    })
}

/** The files that the stage `bundle` makes, each with the source it is made of. */
export function bundles(
  dockerfile: readonly Instruction[],
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const runs = withArguments(instructionsOf(dockerfile, 'bundle', 'RUN').join(' '), values)
  const found = runs.matchAll(/--outdir=\/out "?([^\s"]+)"?/g)
  return Object.fromEntries(
    [...found].map(([, source = '']) => [`/app/${basename(source, extname(source))}.js`, source]),
  )
}

/** Whether Docker leaves a path of the repository out of the build: the last pattern that matches it or a parent decides. */
export function isIgnored(path: string, ignoreFile = readIgnoreFile()): boolean {
  const parts = path.split('/')
  const candidates = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  let ignored = false
  for (const line of ignoreFile) {
    const glob = new Bun.Glob(line.replace(/^!/, ''))
    if (candidates.some((candidate) => glob.match(candidate))) ignored = !line.startsWith('!')
  }
  return ignored
}

/** The patterns of services/Dockerfile.dockerignore, in order. */
export function readIgnoreFile(): string[] {
  const text = readFileSync(join(repositoryRoot, 'services/Dockerfile.dockerignore'), 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}
