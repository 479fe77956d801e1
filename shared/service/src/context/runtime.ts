const { bun, node } = process.versions

/** What runs this process. */
export const runtime: { readonly name: 'bun' | 'node'; readonly version: string } =
  bun === undefined ? { name: 'node', version: node } : { name: 'bun', version: bun }
