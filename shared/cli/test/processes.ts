/** A process and its parent. */
interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Every live process; one that only waits to be reaped is dead. */
function listProcesses(): ProcessEntry[] {
  const listing = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=,stat=,args=']).stdout.toString()
  return listing.split('\n').flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (pid === undefined || state?.startsWith('Z')) return []
    return [{ pid: Number(pid), parent: Number(parent), command: command ?? '' }]
  })
}

/** A process and everything it started, as command lines by process id. */
export function familyOf(pid: number): Map<number, string> {
  const processes = listProcesses()
  const family = new Set([pid])
  for (const member of family) {
    for (const child of processes) if (child.parent === member) family.add(child.pid)
  }
  return new Map(
    processes.filter(({ pid: id }) => family.has(id)).map(({ pid: id, command }) => [id, command]),
  )
}

/** Those of the processes that still live. */
export function survivors(family: ReadonlyMap<number, string>): string[] {
  const alive = new Set(listProcesses().map(({ pid }) => pid))
  return [...family].filter(([pid]) => alive.has(pid)).map(([, command]) => command)
}
