import type { Update } from '../wire.ts'

/** Whether updates arrive. */
export type StreamState = 'connecting' | 'live' | 'lost'

const againMs = 2_000
/** Services are asked every second: this long a silence means that the stream is dead though it looks open. */
const silenceMs = 10_000

/** Listens to the console's server for as long as the page is open, however often the server goes away. */
export function openStream(onUpdate: (update: Update) => void, onState: (state: StreamState) => void): void {
  let silence: ReturnType<typeof setTimeout> | undefined
  const open = (): void => {
    const source = new EventSource('/events')
    const reopen = (): void => {
      clearTimeout(silence)
      source.close()
      onState('lost')
      setTimeout(open, againMs)
    }
    source.addEventListener('update', ({ data }) => {
      clearTimeout(silence)
      silence = setTimeout(reopen, silenceMs)
      onState('live')
      onUpdate(JSON.parse(data))
    })
    source.addEventListener('error', () => {
      // The browser tries again by itself after a connection is lost, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) reopen()
      else onState('lost')
    })
  }
  open()
}
