/** Something that is done to a server of a cluster, by its number in the order of their start. */
export type ServerAct =
  | { readonly do: 'kill' | 'freeze' | 'thaw' | 'stop' | 'crash' | 'start'; readonly server: number }
  | { readonly do: 'pause-replay' | 'resume-replay' | 'rejoin'; readonly server: number }
  | { readonly do: 'set-lag'; readonly server: number; readonly ms: number }

/** Something that is done to all of them. */
export type ClusterAct =
  /** Makes the standby that has got the most the primary, and lets the others follow it. */
  | { readonly do: 'promote' | 'switchover' }
  /** Makes all servers run, and all but the primary its standbys that have caught up. */
  | { readonly do: 'heal' }

/** Who has the servers in hand, as a world sees it. */
export interface Control {
  /** The number of the server that was promoted last. */
  readonly primary: number
  /** Resolves when it is done. */
  act(act: ServerAct | ClusterAct): Promise<void>
}

/** What a world asks the process that has the servers. */
export interface ActRequest {
  readonly type: 'act'
  readonly id: number
  readonly act: ServerAct | ClusterAct
}

/** What that answers. */
export interface ActAnswer {
  readonly type: 'acted'
  readonly id: number
  readonly primary: number
  /** Why it was not possible. */
  readonly error: string | null
}

/** The world's side: sends what is to be done, and is told the answers. */
export class RemoteControl implements Control {
  readonly #send: (request: ActRequest) => void
  readonly #open = new Map<number, PromiseWithResolvers<void>>()
  #primary = 0
  #ids = 0

  constructor(send: (request: ActRequest) => void) {
    this.#send = send
  }

  get primary(): number {
    return this.#primary
  }

  act(act: ServerAct | ClusterAct): Promise<void> {
    const id = ++this.#ids
    const answer = Promise.withResolvers<void>()
    this.#open.set(id, answer)
    this.#send({ type: 'act', id, act })
    return answer.promise
  }

  answered({ id, primary, error }: ActAnswer): void {
    this.#primary = primary
    if (error === null) this.#open.get(id)?.resolve()
    else this.#open.get(id)?.reject(new Error(error))
    this.#open.delete(id)
  }
}
