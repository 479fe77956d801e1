import { paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/text.ts'
import { readPackages } from '../workspace/packages.ts'
import { boundaryRules } from './boundary-rules.ts'
import { longestChain } from './graph.ts'
import { readSources } from './imports.ts'
import { roomGraph } from './rooms.ts'

/** How a package is built, without its tests and measurements. */
export interface PackageNumbers {
  readonly path: string
  readonly files: number
  readonly lines: number
  /** Folders that hold code, and files that are rooms of their own by the rules. */
  readonly rooms: number
  /** Rooms on the longest chain of imports between rooms; null where rooms import each other in a circle. */
  readonly floors: number | null
  /** Pairs of rooms of which one imports the other. */
  readonly arrows: number
  readonly longest: { readonly path: string; readonly lines: number }
}

/** Counts what every package of a workspace consists of; packages without code are left out. */
export function countPackages(root: string, rules = boundaryRules): PackageNumbers[] {
  return readPackages(root).flatMap(({ path, folder }) => {
    const files = readSources(folder).filter(({ forTests }) => !forTests)
    const [longest] = files.toSorted((left, right) => right.lines - left.lines)
    if (longest === undefined) return []
    const rooms = roomGraph(files, rules.rooms[path])
    return {
      path,
      files: files.length,
      lines: files.reduce((sum, { lines }) => sum + lines, 0),
      rooms: rooms.size,
      floors: longestChain(rooms),
      arrows: [...rooms.values()].flat().length,
      longest: { path: longest.path, lines: longest.lines },
    }
  })
}

/** A table, a row for each package. */
export function renderNumbers(packages: readonly PackageNumbers[]): string {
  const rows = packages.map(({ path, files, lines, rooms, floors, arrows, longest }) => [
    path,
    String(files),
    String(lines),
    String(rooms),
    floors === null ? paint('red', 'circle') : String(floors),
    String(arrows),
    `${longest.lines} ${longest.path}`,
  ])
  return renderTable([['package', 'files', 'lines', 'rooms', 'floors', 'arrows', 'longest file'], ...rows])
}
