import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where `provideBrowser` puts the browser from npm; git does not see it. */
export const browserFolder = resolve(import.meta.dir, '../../../../../.data/browser')

/** The program in it, a script that gives the browser its libraries and fonts. */
export const providedBrowser = join(browserFolder, 'chromium')

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const applications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** A Chromium to test with: that of CHROMIUM_PATH, an installed one, or one that was provided before. */
export function findBrowser(): string | null {
  const given = process.env.CHROMIUM_PATH
  if (given) return given
  const installed = names.map((name) => Bun.which(name)).find((path) => path !== null)
  return installed ?? [...applications, providedBrowser].find((path) => existsSync(path)) ?? null
}
