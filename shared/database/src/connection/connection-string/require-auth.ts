/** Ways to log in, as require_auth of libpq calls them; `none`: the server asks for nothing. */
export const loginMethods = ['password', 'md5', 'gss', 'sspi', 'scram-sha-256', 'oauth', 'none'] as const

export type LoginMethod = (typeof loginMethods)[number]

/** Whether a text is what require_auth takes: methods, separated by commas, that are either all allowed or all not (`!md5`). */
export function isRequireAuth(text: string): boolean {
  const methods = text.split(',')
  const negative = methods.filter((method) => method.startsWith('!')).length
  const names = methods.map((method) => method.replace(/^!/, ''))
  return (
    (negative === 0 || negative === methods.length) &&
    new Set(names).size === names.length &&
    names.every((name) => loginMethods.some((method) => method === name))
  )
}

/** Whether a way to log in is allowed. @param requireAuth Where it is undefined, any is. */
export function allowsMethod(requireAuth: string | undefined, method: LoginMethod): boolean {
  if (requireAuth === undefined) return true
  const methods = requireAuth.split(',')
  return requireAuth.startsWith('!') ? !methods.includes(`!${method}`) : methods.includes(method)
}
