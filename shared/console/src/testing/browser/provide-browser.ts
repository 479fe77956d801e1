import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { browserFolder, findBrowser, providedBrowser } from './find-browser.ts'

/**
 * Finds a Chromium, or installs the one that the npm package `@sparticuz/chromium` holds, with the versions and hashes of
 * the lockfile in `chromium/`. It is not a dependency of the workspace: nobody else needs its 67 MB.
 *
 * @throws {Error} There is none for this machine.
 */
export async function provideBrowser(): Promise<string> {
  const found = findBrowser()
  if (found !== null) return found
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('No Chromium is installed: install Chromium or Chrome, or set CHROMIUM_PATH to one.')
  console.error('no Chromium is installed: taking the one of the npm package @sparticuz/chromium …')
  const unpacked = join(browserFolder, 'unpacked')
  // What an interrupted run left looks finished to the unpacker.
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(unpacked, { recursive: true })
  cpSync(join(import.meta.dir, 'chromium'), browserFolder, { recursive: true })
  await run(['install', '--frozen-lockfile', '--ignore-scripts'])
  await run(['-e', unpack], { TMPDIR: unpacked })
  await Bun.write(join(browserFolder, 'fonts.conf'), fontsIn(unpacked))
  await writeProgram(unpacked)
  return providedBrowser
}

const unpack = `
const { default: chromium, inflate } = await import('@sparticuz/chromium')
await chromium.executablePath()
await inflate('node_modules/@sparticuz/chromium/bin/al2023.tar.br')`

/** For machines without fonts of their own, beside those they have. */
const fontsIn = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`

/** A script that starts the browser with fonts, and with the libraries it brought where the machine lacks them. */
async function writeProgram(unpacked: string): Promise<void> {
  const program = join(unpacked, 'chromium')
  const starts = Bun.spawnSync([program, '--version'], { stderr: 'ignore' }).success
  const libraries = starts ? '' : `export LD_LIBRARY_PATH='${unpacked}/al2023/lib'\n`
  const script = `#!/bin/sh
export FONTCONFIG_FILE='${join(browserFolder, 'fonts.conf')}'
${libraries}exec '${program}' "$@"
`
  await Bun.write(providedBrowser, script)
  await chmod(providedBrowser, 0o755)
}

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: browserFolder,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (exitCode !== 0) throw new Error(`bun ${args[0]} failed with ${exitCode}:\n${out}${err}`)
}
