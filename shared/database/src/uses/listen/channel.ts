import { ConfigurationError } from '@shared/pool'

// NAMEDATALEN - 1: LISTEN would cut a longer name off, and pg_notify refuses it.
const longestBytes = 63
// The server takes payloads below 8 000 bytes.
const longestPayloadBytes = 7_999

/** @throws {ConfigurationError} for what is no name of a channel. */
export function checkChannel(channel: unknown, call: string): asserts channel is string {
  const isName =
    typeof channel === 'string' &&
    channel !== '' &&
    !channel.includes('\0') &&
    Buffer.byteLength(channel) <= longestBytes
  if (!isName)
    throw new ConfigurationError(
      `The channel of ${call}() must be a text of 1 to ${longestBytes} bytes without NUL, got ${typeof channel === 'string' ? `one of ${Buffer.byteLength(channel)} bytes` : typeof channel}.`,
    )
}

/** @throws {ConfigurationError} for what can't be sent as a payload; it shows none of it. */
export function checkPayload(payload: unknown): asserts payload is string {
  if (typeof payload !== 'string' || payload.includes('\0'))
    throw new ConfigurationError(
      `The payload of notify() must be a text without NUL, got ${typeof payload}. Send JSON.stringify(value).`,
    )
  const bytes = Buffer.byteLength(payload)
  if (bytes > longestPayloadBytes)
    throw new ConfigurationError(
      `The payload of notify() must be below 8 000 bytes, got ${bytes}. Store it and send its key.`,
    )
}

/** The channel as an identifier, exactly as it is. */
export function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`
}
