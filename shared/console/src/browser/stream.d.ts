import type { Update } from '../wire.ts'
/** Whether updates arrive. */
export type StreamState = 'connecting' | 'live' | 'lost'
/** Listens to the console's server for as long as the page is open, however often the server goes away. */
export declare function openStream(
  onUpdate: (update: Update) => void,
  onState: (state: StreamState) => void,
): void
