import { dirname, join } from 'node:path'
import type { RoomRules } from './boundary-rules.ts'
import { findCircles, type Graph } from './graph.ts'
import type { SourceFile } from './imports.ts'

/** The files of a package, each with those of them that it imports, for its types alone too. */
export function fileGraph(files: readonly SourceFile[]): Graph {
  const paths = new Set(files.map(({ path }) => path))
  const imported = ({ path, imports }: SourceFile): string[] =>
    imports.flatMap(({ specifier }) => {
      const target = targetOf(path, specifier)
      if (target === null) return []
      return (
        [target, `${target}.ts`, `${target}.tsx`, `${target}/index.ts`].find((name) => paths.has(name)) ?? []
      )
    })
  return new Map(files.map((file) => [file.path, imported(file)]))
}

/** The rooms of a package, each with those that it imports from. Tests do not count. */
export function roomGraph(files: readonly SourceFile[], rules: RoomRules = {}): Graph {
  const rooms = new Map<string, string[]>()
  for (const [path, imported] of fileGraph(files.filter(({ forTests }) => !forTests))) {
    const room = roomOf(path, rules)
    const others = imported.map((target) => roomOf(target, rules)).filter((other) => other !== room)
    rooms.set(room, [...new Set([...(rooms.get(room) ?? []), ...others])])
  }
  return rooms
}

/** Compares the rooms of the package at a path with their rules; returns a line for each finding. */
export function roomFindings(path: string, files: readonly SourceFile[], rules: RoomRules): string[] {
  const rooms = [...roomGraph(files, rules).keys()]
  const named = new Set([...Object.keys(rules), ...Object.values(rules).flat()])
  const circles = findCircles(new Map(Object.entries(rules)))
  return [
    ...[...named]
      .filter((room) => !rooms.includes(room))
      .map((room) => `${path}: its rules name the room ${room}, which does not exist`),
    ...circles.map((circle) => `${path}: its rules let rooms import in a circle: ${circle.join(' → ')}`),
    ...rooms
      .filter((room) => !(room in rules))
      .map((room) => `${path}: its rules do not name the room ${room}`),
    ...files.filter(({ forTests }) => !forTests).flatMap((file) => importFindings(path, file, rules)),
  ]
}

/** A line for each circle of files of the package at a path. */
export function circleFindings(path: string, files: readonly SourceFile[]): string[] {
  return findCircles(fileGraph(files)).map(
    (circle) => `${path}: files import each other in a circle: ${circle.join(' → ')}`,
  )
}

function importFindings(path: string, file: SourceFile, rules: RoomRules): string[] {
  const room = roomOf(file.path, rules)
  const allowed = rules[room]
  if (allowed === undefined) return []
  return file.imports.flatMap(({ specifier }) => {
    const target = targetOf(file.path, specifier)
    const other = target === null ? room : roomOf(target, rules)
    if (other === room || allowed.includes(other)) return []
    return `${path}/${file.path}: ${room} may not import ${other} (${specifier})`
  })
}

/** A file that has a rule of its own, else the folder that it is in. */
const roomOf = (path: string, rules: RoomRules): string => (Object.hasOwn(rules, path) ? path : dirname(path))

/** The path that a relative import names, from the package's folder; null for any other import. */
function targetOf(path: string, specifier: string): string | null {
  if (!/^\.{1,2}\//.test(specifier)) return null
  const target = join(dirname(path), specifier)
  return target.startsWith('../') ? null : target
}
