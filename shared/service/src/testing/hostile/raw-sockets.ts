import { connect } from 'node:net'
import { type HostileRoute, harmless } from './attacks.ts'
import type { HostileReport } from './hostile-input.ts'

/** Longest wait for an answer to a request that may get none, in ms. */
const quietMs = 500

/**
 * Sends a listening service what `fetch` cannot express: overlong headers, raw bytes, broken framing, ends amid a request.
 *
 * The runtime answers most of it before the app sees it, without a problem document: what counts is that none is
 * answered with success or 500, and that the service goes on.
 *
 * @param url Where the service listens.
 * @param route One that takes a body.
 */
export async function attackSockets(url: string, route: HostileRoute): Promise<HostileReport> {
  const attacks = Object.entries(rawRequests(route))
  const findings: string[] = []
  for (const [name, bytes] of attacks) {
    const answer = await exchange(new URL(url), bytes)
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none'
    if (!/^(4\d\d|501|505|none)$/.test(status)) findings.push(`${name}: ${status}`)
    if ((await fetch(`${url}/livez`)).status !== 200) findings.push(`${name}: the service does not go on`)
  }
  return { requests: attacks.length, findings }
}

function rawRequests(route: HostileRoute): Record<string, Uint8Array> {
  const { path, init } = harmless(route)
  const { method } = init
  const body = String(init.body)
  const headers = Object.entries(init.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const host = `Host: hostile\r\n${headers.join('')}`
  const framed = (framing: string, content = body) =>
    `${method} ${path} HTTP/1.1\r\n${host}${framing}\r\n\r\n${content}`
  const length = `Content-Length: ${body.length}`
  const fine = framed(length)
  const line = (text: string) => fine.replace(`${method} ${path} HTTP/1.1`, text)
  const header = (text: string) => fine.replace('\r\n', `\r\n${text}\r\n`)
  const inBody = (text: string) => {
    const changed = body.replace(/:("?)/, `:$1${text}`)
    return framed(`Content-Length: ${changed.length}`, changed)
  }
  const texts = {
    'a header of 100 KB': header(`X-Long: ${'x'.repeat(100_000)}`),
    'a header name of 20 KB': header(`${'x'.repeat(20_000)}: x`),
    '1000 headers': header('X-Many: x\r\n'.repeat(1000).trimEnd()),
    'an address of 100 KB': line(`${method} ${path}/${'x'.repeat(100_000)} HTTP/1.1`),
    'an unknown method': line(`FETCH ${path} HTTP/1.1`),
    'a method in lower case': line(`${method.toLowerCase()} ${path} HTTP/1.1`),
    TRACE: line(`TRACE ${path} HTTP/1.1`),
    CONNECT: line('CONNECT hostile:80 HTTP/1.1'),
    'NUL in the address': line(`${method} ${path}\0 HTTP/1.1`),
    'bytes that are no UTF-8 in the address': line(`${method} ${path}\xff\xfe HTTP/1.1`),
    'HTTP/0.9': `${method} ${path}\r\n`,
    'HTTP/9.9': line(`${method} ${path} HTTP/9.9`),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'the start of TLS': '\x16\x03\x01\x00\xc8\x01\x00',
    'lines ended by LF': fine.replaceAll('\r\n', '\n'),
    'no Host': fine.replace('Host: hostile\r\n', ''),
    'NUL in a header': header('X-Nul: a\0b'),
    'a header without a colon': header('nonsense'),
    'a space before the colon': header('X-Space : x'),
    'a folded header': header('X-Fold: a\r\n b'),
    'a negative length': framed('Content-Length: -1'),
    'an endless length': framed(`Content-Length: ${'9'.repeat(30)}`),
    'a length in hex': framed('Content-Length: 0x10'),
    'two lengths': framed(`${length}\r\nContent-Length: 1`),
    'a length and chunks': framed(`${length}\r\nTransfer-Encoding: chunked`),
    'an unknown encoding': framed('Transfer-Encoding: gzip, identity'),
    'chunks without a size': framed('Transfer-Encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n'),
    'a chunk of negative size': framed('Transfer-Encoding: chunked', '-5\r\n{}\r\n0\r\n\r\n'),
    'a body that ends early': framed('Content-Length: 90000'),
    'chunks that end early': framed('Transfer-Encoding: chunked', `ffff\r\n${body}`),
    'NUL in the body': inBody('\0'),
    'bytes that are no UTF-8 in the body': inBody('\xff\xfe'),
    'an encoded surrogate in the body': inBody('\xed\xa0\x80'),
    'nothing but line ends': '\r\n'.repeat(1000),
  }
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, 'latin1')]))
}

/** Sends bytes; returns what came back until it closed, was complete, or the service waited for more. */
function exchange({ hostname, port }: URL, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: hostname, port: Number(port) })
    const end = () => socket.destroy()
    socket.setTimeout(quietMs, end)
    socket.once('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (answer.includes('\r\n\r\n')) end()
    })
    // A reset amid our bytes is an answer too.
    socket.on('error', end)
    socket.on('close', () => resolve(answer))
  })
}
