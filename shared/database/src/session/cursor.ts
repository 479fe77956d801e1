/** What the layer puts before a query whose rows it fetches in batches; the cursor ends with its transaction. */
export const cursorHead = 'declare stream_cursor no scroll cursor for '

/** The next rows of it. */
export const fetchText = (count: number): string => `fetch ${count} from stream_cursor`

/** A text without what the layer has put before it: what it leaves behind is what the query does. */
export function withoutCursor(text: string): string {
  return text.startsWith(cursorHead) ? text.slice(cursorHead.length) : text
}
