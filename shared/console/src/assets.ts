import { join } from 'node:path'

/** What the page loads, made from `browser/`. */
export interface Assets {
  readonly script: string
  readonly style: string
}

/** Bundles the page's script and style from this package and node_modules: nothing comes from a network. */
export async function buildAssets(): Promise<Assets> {
  const { outputs } = await Bun.build({
    entrypoints: ['main.ts', 'style.css'].map((file) => join(import.meta.dir, 'browser', file)),
    target: 'browser',
    minify: true,
  })
  const text = (suffix: string): Promise<string> => {
    const found = outputs.find(({ path }) => path.endsWith(suffix))
    if (found === undefined) throw new Error(`the bundle of the console has no ${suffix}`)
    return found.text()
  }
  const [script, style] = await Promise.all([text('.js'), text('.css')])
  return { script, style }
}
