import { expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'
import { serverEndPoint } from './channel-binding.ts'

const derOf = (base64: string) =>
  new X509Certificate(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`).raw

// Made with openssl, which has also computed the hashes.
const ecdsaSha384 = `MIIBbzCCARWgAwIBAgIUQUSiIwQchDxBleDLXRMleWeDcdIwCgYIKoZIzj0EAwMw
DDEKMAgGA1UEAwwBbDAgFw0yNjExMjkwMDI3NDRaGA8yMTI2MTEwNTAwMjc0NFow
DDEKMAgGA1UEAwwBbDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNdfo6oS3/z+
MOeizf0c9cnB3GR5hiW5yRwOGdu8Z6hsZJYJQJcPGuBALz1WWC2F6zB/My3uasBB
niVtyIQUUj6jUzBRMB0GA1UdDgQWBBTAT89CPBFWP9WBGjSBFEEoyGlxeDAfBgNV
HSMEGDAWgBTAT89CPBFWP9WBGjSBFEEoyGlxeDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMDA0gAMEUCIQCz73MqwbHxbvFdz4cpsoELyumz2OoHFLrQOJM7kHWQ
twIgVoLAgpS5XzLBIJutmPFSeopO7oWqWpMpeF+l3rUbmJc=`
const ecdsaSha1 = `MIIBbjCCARSgAwIBAgIUZodl9BlRhO9NsJhMkpD4pDGi6D4wCQYHKoZIzj0EATAM
MQowCAYDVQQDDAFsMCAXDTI2MTEyOTAwMjc0NFoYDzIxMjYxMTA1MDAyNzQ0WjAM
MQowCAYDVQQDDAFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE11+jqhLf/P4w
56LN/Rz1ycHcZHmGJbnJHA4Z27xnqGxklglAlw8a4EAvPVZYLYXrMH8zLe5qwEGe
JW3IhBRSPqNTMFEwHQYDVR0OBBYEFMBPz0I8EVY/1YEaNIEUQSjIaXF4MB8GA1Ud
IwQYMBaAFMBPz0I8EVY/1YEaNIEUQSjIaXF4MA8GA1UdEwEB/wQFMAMBAf8wCQYH
KoZIzj0EAQNJADBGAiEArkGiJ4AefZKO8qvEJXT1gcPFXo7fCkBdlb6NSP4o5lkC
IQC+79C1+PLs14HKK+/JNfNK8WbA11dealroljMtkNJrpQ==`
const ed25519 = `MIIBLjCB4aADAgECAhRaDWaVVBNlZeVsh9IZ8IeUZhCgiDAFBgMrZXAwDDEKMAgG
A1UEAwwBbDAgFw0yNjExMjkwMDI3NDRaGA8yMTI2MTEwNTAwMjc0NFowDDEKMAgG
A1UEAwwBbDAqMAUGAytlcAMhAP1qGDW59toN7SU/FvXw3RjJYFc6Q9Hqxt7WvhfD
vGC+o1MwUTAdBgNVHQ4EFgQUDeRfvRZodJ8RowUT1vqTHnYhB4owHwYDVR0jBBgw
FoAUDeRfvRZodJ8RowUT1vqTHnYhB4owDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQBTIaTcqiF70TzbGzdWdikdtw4e0TMet2M5oq/qCx8nfvMRzBJ9uUfvH2n/V9nm
inGJHAZ7yYkHqusduanAUBsM`

test('a certificate is hashed as it is signed, with SHA-256 in place of SHA-1, and not at all where that names no hash', () => {
  expect({
    'ECDSA with SHA-384': serverEndPoint(derOf(ecdsaSha384))?.toString('hex'),
    'ECDSA with SHA-1': serverEndPoint(derOf(ecdsaSha1))?.toString('hex'),
    Ed25519: serverEndPoint(derOf(ed25519)),
  }).toEqual({
    'ECDSA with SHA-384':
      'a3e9da41a82aa52fad84194903a6978b36195ad2a4d16fdaf664910b144faad7d83feb2ef97c26d566cd1d3db5a80b0d',
    'ECDSA with SHA-1': '418b07fcbc89cd599efb70d0243aaf29345a4206f1e41f9ac7afe0a70174e680',
    Ed25519: null,
  })
})
