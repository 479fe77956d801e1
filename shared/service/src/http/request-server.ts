/** What the server of a runtime knows of a request, which an app that is served gets as its environment. */
export interface RequestServer {
  /** Where the request comes from. */
  requestIP(request: Request): { readonly address: string } | null
  /** Ends its connection after that many seconds, however many bytes arrive in them. Only Bun's server does. */
  timeout?(request: Request, seconds: number): void
}

/** The server that handed a request to the app; nothing where an app is called without one. */
export function requestServer(env: unknown): Partial<RequestServer> {
  return (env as Partial<RequestServer> | undefined) ?? {}
}
