import {
  brokenBodies,
  brokenEncodings,
  nearUuids,
  trickyTexts,
  unstorableTexts,
  wrongContentTypes,
  wrongLiterals,
} from './values.ts'

/** A route and a request that it answers with success; attacks are that request with one thing wrong. */
export interface HostileRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As in the app: `/products/:id/stock`. */
  path: string
  /** Of resources that exist. */
  params?: Record<string, string>
  query?: Record<string, string>
  body?: Record<string, string | number>
  headers?: Record<string, string>
  /** Fields of the body that take any text up to a length. */
  anyText?: readonly string[]
  /** Fields of the body that may be left out; if all may, the body may too. */
  optional?: readonly string[]
  /** More wrong values for a field of the body (JSON literals) or of the query (texts). */
  wrong?: Record<string, readonly string[]>
}

/** One request, and the name under which a report shows it. */
export interface Attack {
  name: string
  path: string
  init: { method: string; headers: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> }
}

const jsonHeaders = { 'Content-Type': 'application/json' }

/** The request that the route answers with success. */
export function harmless(route: HostileRoute): Attack {
  return request(route, 'harmless', {})
}

/** Every request that a route has to refuse. */
export function attacksOn(route: HostileRoute): Attack[] {
  return [...onParams(route), ...onQuery(route), ...onHeaders(route), ...onFields(route), ...onBody(route)]
}

/** Requests whose texts look like attacks and are allowed: they may be accepted, and must hurt nothing else. */
export function trickyButFine(route: HostileRoute): Attack[] {
  const fields = route.anyText ?? []
  return fields.flatMap((field) =>
    trickyTexts.map((text) =>
      request(route, `${field} = ${show(text)}`, { body: withField(route, field, text) }),
    ),
  )
}

function onParams(route: HostileRoute): Attack[] {
  const texts = [...trickyTexts, ...unstorableTexts, ...nearUuids].map(encode)
  return Object.keys(route.params ?? {}).flatMap((param) =>
    [...texts, ...brokenEncodings].map((text) =>
      request(route, `:${param} = ${show(text)}`, {
        path: pathOf(route, { ...encoded(route.params), [param]: text }),
      }),
    ),
  )
}

function onQuery(route: HostileRoute): Attack[] {
  const { query } = route
  if (query === undefined) return []
  const texts = [
    ...trickyTexts,
    ...unstorableTexts,
    '',
    ' 1',
    '1 ',
    '-1',
    '0',
    '9007199254740993',
    '+1',
    '1.0',
  ]
  const wrongValues = Object.entries(query).flatMap(([name, value]) =>
    [...[...texts, ...(route.wrong?.[name] ?? [])].map(encode), ...brokenEncodings].map((text) => [
      ...Object.entries(query).filter(([other]) => other !== name),
      [name, text],
      ...(text === '' ? [[name, value]] : []),
    ]),
  )
  const wrongNames = ['__proto__', 'constructor', 'x', "'; select 1; --", '%00', '%ff', 'limit[]']
  const all = [...wrongValues, ...wrongNames.map((name) => [...Object.entries(query), [name, '1']])]
  return all.map((pairs) => {
    const search = pairs.map(([name, value]) => `${name}=${value}`).join('&')
    return request(route, `?…${show(search.slice(-50))}`, { search })
  })
}

function onHeaders(route: HostileRoute): Attack[] {
  const values = [
    ...trickyTexts,
    'Bearer',
    'Bearer ',
    'Basic YTph',
    `Bearer ${'x'.repeat(8_000)}`,
    'Bearer \u00ff',
  ]
  return Object.keys(route.headers ?? {}).flatMap((header) =>
    values
      // Others cannot be sent as a header at all.
      .filter((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      .flatMap((value) => [value, `Bearer ${value}`])
      .map((value) => request(route, `${header}: ${show(value)}`, { headers: { [header]: value } })),
  )
}

function onFields(route: HostileRoute): Attack[] {
  const { body, anyText = [], optional = [] } = route
  if (body === undefined) return []
  return Object.entries(body).flatMap(([field, value]) => {
    const texts = anyText.includes(field)
      ? unstorableTexts
      : [...trickyTexts, ...unstorableTexts, ...nearUuids, '', ' ']
    const literals = [
      ...wrongLiterals,
      ...(typeof value === 'string' ? ['0', '1', '-1'] : []),
      ...texts.map((text) => JSON.stringify(text)),
      ...(route.wrong?.[field] ?? []),
    ]
    const twice = `{${literal(field)}:${literal(value)},${bodyOf(route).slice(1)}`
    const { [field]: _, ...rest } = body
    return [
      ...literals.map((wrong) =>
        request(route, `${field} = ${show(wrong)}`, { body: withLiteral(route, field, wrong) }),
      ),
      request(route, `${field} twice`, { body: twice }),
      ...(optional.includes(field) ? [] : [request(route, `no ${field}`, { body: JSON.stringify(rest) })]),
    ]
  })
}

function onBody(route: HostileRoute): Attack[] {
  const { body, optional = [] } = route
  if (body === undefined) return []
  const needed = Object.keys(body).some((field) => !optional.includes(field))
  const extra = [
    '__proto__',
    'constructor',
    'toString',
    'id',
    "x'; select 1; --",
    '\u0000',
    'x'.repeat(5_000),
  ]
  return [
    ...brokenBodies.map((broken) => request(route, `body ${show(broken)}`, { body: broken })),
    ...(needed ? [request(route, 'body {}', { body: '{}' })] : []),
    ...extra.map((key) =>
      request(route, `unknown ${show(key)}`, { body: `${bodyOf(route).slice(0, -1)},${literal(key)}:1}` }),
    ),
    ...wrongContentTypes.map((type) =>
      request(route, `Content-Type: ${show(type)}`, { headers: { 'Content-Type': type } }),
    ),
  ]
}

function request(
  route: HostileRoute,
  name: string,
  changed: {
    path?: string
    search?: string
    headers?: Record<string, string>
    body?: Attack['init']['body']
  },
): Attack {
  const { path = pathOf(route, encoded(route.params)) } = changed
  const search = changed.search ?? new URLSearchParams(route.query).toString()
  const body = changed.body ?? (route.body && bodyOf(route))
  return {
    name: `${route.method} ${route.path} · ${name}`,
    path: search === '' ? path : `${path}?${search}`,
    init: {
      method: route.method,
      headers: { ...(body !== undefined && jsonHeaders), ...route.headers, ...changed.headers },
      ...(body !== undefined && { body }),
    },
  }
}

const literal = (value: unknown) => JSON.stringify(value)
const bodyOf = (route: HostileRoute) => literal(route.body)
const withField = (route: HostileRoute, field: string, value: string) =>
  literal({ ...route.body, [field]: value })

/** JSON in which one field has a value that JavaScript could not write, such as 1e999. */
function withLiteral({ body = {} }: HostileRoute, field: string, wrong: string): string {
  const members = Object.entries(body).map(
    ([name, value]) => `${literal(name)}:${name === field ? wrong : literal(value)}`,
  )
  return `{${members.join(',')}}`
}

function pathOf(route: HostileRoute, params: Record<string, string>): string {
  return route.path.replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? '')
}

function encoded(params: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, encode(value)]))
}

/** Percent-encoded; a lone surrogate as its three bytes, which no decoder may accept. */
function encode(text: string): string {
  return [...text]
    .map((character) => (character.isWellFormed() ? encodeURIComponent(character) : '%ED%A0%80'))
    .join('')
}

function show(value: string | Uint8Array): string {
  const text = typeof value === 'string' ? literal(value) : `bytes ${value.toHex()}`
  return text.length > 60 ? `${text.slice(0, 60)}… (${value.length})` : text
}
