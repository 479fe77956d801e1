import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A server that says back what it hears, and what it saw. */
export interface EchoServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Sockets that are open. */
  readonly open: Set<Socket>
  /** How each closed socket ended: `end`, or the error's code. */
  readonly ends: string[]
  /** All that was heard. */
  readonly heard: string
}

export async function startEcho(): Promise<EchoServer> {
  const open = new Set<Socket>()
  const ends: string[] = []
  let heard = ''
  const server = createServer({ noDelay: true }, (socket) => {
    let end = 'end'
    open.add(socket)
    socket.on('data', (bytes) => {
      heard = (heard + bytes.toString('latin1')).slice(-1_000)
      if (!socket.write(bytes)) socket.pause()
    })
    socket.on('drain', () => socket.resume())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code ?? error.message
    })
    socket.on('close', () => {
      open.delete(socket)
      ends.push(end)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    open,
    ends,
    get heard() {
      return heard
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** A client that collects what it hears. */
export interface EchoClient extends Disposable {
  readonly socket: Socket
  /** How many bytes have come, and the last of them. */
  readonly heard: { bytes: number; last: string }
  /** Null while open, else `end` or the error's code. */
  readonly ended: string | null
  /** Sends a text and waits until it has come back. */
  ask(text: string): Promise<void>
}

/** Opens a connection; rejects with the error when it is refused. */
export async function openClient(port: number): Promise<EchoClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const heard = { bytes: 0, last: '' }
  let ended: string | null = null
  let onBytes = () => {}
  socket.on('data', (bytes) => {
    heard.bytes += bytes.length
    heard.last = (heard.last + bytes.toString('latin1')).slice(-1_000)
    onBytes()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code ?? error.message
  })
  socket.on('end', () => {
    ended ??= 'end'
  })
  return {
    socket,
    heard,
    get ended() {
      return ended
    },
    ask(text) {
      const wanted = heard.bytes + text.length
      return new Promise((resolve) => {
        onBytes = () => {
          if (heard.bytes >= wanted) resolve()
        }
        socket.write(text)
      })
    },
    [Symbol.dispose]() {
      socket.destroy()
    },
  }
}
