import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { errorCode, LocalPostgresError } from '../errors.ts'
import { commandOf } from './processes.ts'

const host = '127.0.0.1'
const tries = 100

/** A free port, and what holds the preferred one if that is taken. */
export interface PortChoice {
  readonly port: number
  /** In words: `process 4711 (node server.js)`. Null if the preferred port was free or any port was asked for. */
  readonly takenBy: string | null
}

/** The preferred port or the next free one; any free port for 0. Throws `PORT_TAKEN` if a hundred in a row are taken. */
export async function choosePort(preferred: number): Promise<PortChoice> {
  const first = await freePort(preferred)
  if (first !== null) return { port: first, takenBy: null }
  const takenBy = await describeHolder(preferred)
  for (let port = preferred + 1; port <= Math.min(preferred + tries, 65_535); port++) {
    if ((await freePort(port)) !== null) return { port, takenBy }
  }
  throw new LocalPostgresError(
    'PORT_TAKEN',
    `Port ${preferred} is taken by ${takenBy}, and so are the ports after it. Choose another port (0 takes any).`,
  )
}

/** The port if it can be bound now (0: the one the system gave), else null. */
export function freePort(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      const code = errorCode(error)
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(null)
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null))
    })
  })
}

/** Says what listens on a local port, as well as this user may know. */
export async function describeHolder(port: number): Promise<string> {
  const pid = process.platform === 'linux' ? listenerByProc(port) : listenerByLsof(port)
  const command = pid === null ? null : commandOf(pid)
  if (pid !== null && command !== null) {
    const data = /(?:^|\/)postgres .*?-D ?(\S+)/.exec(command)?.[1]
    return data === undefined
      ? `process ${pid} (${programOf(command)})`
      : `a PostgreSQL server (process ${pid}) with data directory ${data}`
  }
  return (await speaksPostgres(port)) ? 'a PostgreSQL server of another user' : 'an unknown process'
}

/** Program and first plain argument: the rest of a command line may hold secrets. */
function programOf(command: string): string {
  const [program = '', argument = ''] = command.split(' ')
  return argument === '' || argument.startsWith('-') ? program : `${program} ${argument}`
}

function listenerByProc(port: number): number | null {
  const inode = ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => listeningInode(table, port)).find(Boolean)
  if (inode === undefined) return null
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (descriptorsOf(pid).some((fd) => targetOf(pid, fd) === `socket:[${inode}]`)) return Number(pid)
  }
  return null
}

/** Empty for a process of another user, or one that has ended since. */
function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    return []
  }
}

/** Null for one that has been closed since, as that by which our own were just listed. */
function targetOf(pid: string, fd: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return null
  }
}

function listeningInode(table: string, port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  try {
    const rows = readFileSync(table, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    // Columns: local address 1, state 3 (0A is LISTEN), inode 9.
    return rows.find((row) => row[1]?.endsWith(suffix) && row[3] === '0A')?.[9]
  } catch {
    return undefined
  }
}

function listenerByLsof(port: number): number | null {
  const result = spawnSync('lsof', ['-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN'], { encoding: 'utf8' })
  const pid = Number.parseInt(result.stdout ?? '', 10)
  return Number.isNaN(pid) ? null : pid
}

/** Asks with an SSLRequest, which only PostgreSQL answers by a single S or N. */
function speaksPostgres(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    const finish = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(500, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('connect', () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])))
    socket.once('data', (data) => finish(data.length === 1 && (data[0] === 0x53 || data[0] === 0x4e)))
  })
}
