import type { ServiceView } from '../wire.ts'
/** One service on the page. */
export interface Card {
  readonly element: HTMLElement
  /** Shows what is known now; the samples come after those before, or in place of them where `whole`. */
  update(view: ServiceView, whole: boolean, now: number): void
  redraw(): void
}
/** Creates the card of a service from the page's template. @param onOpen Called to show its details. */
export declare function createCard(name: string, onOpen: (view: ServiceView | null) => void): Card
