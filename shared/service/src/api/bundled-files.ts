import { resolve } from 'node:path'
import style from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import script from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }

/** Where the files of the page are, as Bun has it: its bundler copies them. Loaded on Bun alone. */
export const bundledFiles = {
  'swagger-ui-bundle.js': resolve(import.meta.dirname, script),
  'swagger-ui.css': resolve(import.meta.dirname, style),
}
