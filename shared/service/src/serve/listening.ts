import type { RequestServer } from '../http/request-server.ts'

/** An open port. */
export interface Listening {
  readonly url: URL
  readonly port: number
  /** Requests without an answer. */
  readonly pendingRequests: number
  /** Accepts nothing more; settles when the requests under way are answered. With `true` their sockets are closed. */
  stop(closeActiveConnections?: boolean): Promise<void>
}

/** What a runtime needs to listen. */
export interface ServerOptions {
  readonly fetch: (request: Request, server: RequestServer) => Response | Promise<Response>
  readonly hostname: string
  readonly port: number
  /** Longest time in seconds of an answer, and of the wait for the next request on its connection. */
  readonly idleSeconds: number
  /** Called with what a request threw outside the app; returns the answer to it. */
  readonly onError: (error: unknown) => Response
}
