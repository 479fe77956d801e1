/** A pooler in transaction mode before a server. */
export interface Pooler extends AsyncDisposable {
  /** The same database, through the pooler. */
  url(urlOfServer: string): string
}

/** Starts a pooler before the server; null, with a note that says why, where there is none. */
export async function startPooler(
  _server: { host: string; port: number },
  onNote: (note: string) => void,
): Promise<Pooler | null> {
  onNote('No world goes through PgBouncer: there is no provider for it here yet.')
  return null
}
