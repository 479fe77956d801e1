import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { readImports } from '../checks/imports.ts'
import { type Package, repositoryRoot } from '../workspace/packages.ts'
import { type Entry, packageOf } from './entries.ts'
import { publishedManifest, type Release } from './manifest.ts'
import { withPublishedNames } from './published-names.ts'

/** What goes into one tarball. */
export interface Staging {
  readonly from: Package
  /** Those that are published. */
  readonly entries: readonly Entry[]
  /** The compiled `src` of the package. */
  readonly output: string
  /** Where the content of the tarball is put. */
  readonly folder: string
  readonly release: Release
}

/** Puts the content of a tarball into a folder: its manifest, code, declarations and documents, under published names. */
export function stage({ from, entries, output, folder, release }: Staging): void {
  const rename = (text: string): string => withPublishedNames(text, release.names, release.scope)
  const code = listFiles(output).map((file) => ({
    path: join('dist', relative(output, file)),
    text: rename(readFileSync(file, 'utf8')),
  }))
  const declarations = code.filter(({ path }) => path.endsWith('.d.ts'))
  const needsNodeTypes = declarations.some(({ text }) => usesNodeTypes(text))
  const manifest = publishedManifest(from, entries, release, needsNodeTypes)
  const mains = new Set(entries.map(({ source }) => source.replace(/^src/, 'dist').replace(/\.ts$/, '.d.ts')))
  for (const { path, text } of code) {
    refuseUndeclared(path, text, manifest)
    if (!path.endsWith('.d.ts')) write(join(folder, path), text)
    else {
      // Compilers that load no types by themselves (TypeScript 6 and later) find Node's by this.
      const reference = needsNodeTypes && mains.has(path) ? '/// <reference types="node" />\n' : ''
      write(join(folder, path), reference + withJavaScriptNames(text))
    }
  }
  write(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  write(
    join(folder, 'README.md'),
    withoutDeadLinks(rename(readFileSync(join(from.folder, 'README.md'), 'utf8'))),
  )
  for (const name of ['LICENSE', 'CHANGELOG.md'])
    write(join(folder, name), rename(readFileSync(join(repositoryRoot, name), 'utf8')))
}

function usesNodeTypes(declaration: string): boolean {
  const code = declaration.replace(/\/\*[\s\S]*?\*\//g, '')
  return /['"]node:|\b(?:Buffer|NodeJS|AbortSignal|URL|Request|Response)\b/.test(code)
}

/** The compiler leaves `./a.ts` in declarations, where `a.d.ts` is found by either name. */
function withJavaScriptNames(declaration: string): string {
  return declaration.replace(/((?:from|import\() ?['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js')
}

/** A tarball works only where what it imports is installed with it. */
function refuseUndeclared(path: string, text: string, manifest: Record<string, unknown>): void {
  const {
    name,
    dependencies = {},
    peerDependencies = {},
  } = manifest as {
    name: string
    dependencies?: object
    peerDependencies?: object
  }
  const types = [...text.matchAll(/\bimport\(['"]([^'"]+)['"]\)\.\w/g)].map(([, specifier = '']) => specifier)
  for (const specifier of [...readImports(text).map((found) => found.specifier), ...types]) {
    if (specifier.startsWith('.')) continue
    const wanted = packageOf(specifier)
    const isThere = wanted in dependencies || wanted in peerDependencies || wanted === name
    if (!isThere && (!isBuiltin(specifier) || specifier.startsWith('bun')))
      throw new Error(`${name}: ${path} imports ${specifier}, which its package.json does not name.`)
  }
}

/** Links that lead out of the tarball become plain text. */
function withoutDeadLinks(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\((?!https?:|#)[^)]*\)/g, '$1')
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
