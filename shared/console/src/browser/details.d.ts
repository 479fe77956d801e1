import type { ServiceView } from '../wire.ts'
/** The dialog with the detailed report of one service. */
export interface DetailsDialog {
  /** Opens it; the browser gives the focus back to where it was when it closes. */
  open(view: ServiceView): void
}
/** Makes the page's dialog work. */
export declare function createDetails(): DetailsDialog
