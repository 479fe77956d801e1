/** The scope that packages are published under. The owner's choice: nothing else names it. */
export const publishedScope = '@shared'

/** The scope that the workspace's own packages have. */
const workspaceScope = '@shared'

/** The name under which a package of the workspace is published: `@shared/pool` → `@acme/pool`. */
export function publishedName(name: string, scope: string): string {
  return name.replace(`${workspaceScope}/`, `${scope}/`)
}

/** A text, code or prose, that names packages of the workspace as they are published. */
export function withPublishedNames(text: string, names: readonly string[], scope: string): string {
  return names.reduce(
    (named, name) => named.replace(new RegExp(`${name}(?![\\w-])`, 'g'), publishedName(name, scope)),
    text,
  )
}
