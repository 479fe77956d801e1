/** The element that the page is sure to have. @throws {Error} It has not. */
export declare function find<T extends Element = HTMLElement>(root: ParentNode, selector: string): T
/** A new element with a class, texts and other elements. */
export declare function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K]
/** Sets a text where it changed, so that a selection in it stays. */
export declare function setText(element: Element, text: string): void
