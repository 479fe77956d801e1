import { z } from 'zod'
import { directVariables, optionsVariables, targetVariables } from './database-variables.ts'
import { boolean, host, integer, logLevel, oneOf, origins, seconds, serviceUrl } from './fields.ts'
import { Secret } from './secret.ts'
import type { ServiceDefinition, VariableTable } from './variables.ts'

// The characters a bearer token may have (RFC 6750, b68token); a short one can be guessed.
const healthToken = z
  .string()
  .regex(/^[\w.~+/-]{16,512}={0,2}$/, {
    error: 'must be 16 to 512 letters, digits and - . _ ~ + / (a bearer token)',
  })
  .transform((value) => new Secret(value))

/** Every variable a running service reads, in the order of `.env.example`. */
export function serviceTable(definition: ServiceDefinition) {
  return {
    NODE_ENV: {
      schema: oneOf(['development', 'test', 'production']),
      default: 'production',
      description: 'development, test or production; production guards what health routes tell.',
    },
    HOST: {
      schema: host(),
      default: '0.0.0.0',
      description: 'Address to listen on; 0.0.0.0 is every IPv4 one.',
    },
    PORT: {
      schema: integer({ min: 0, max: 65_535 }),
      default: String(definition.port),
      description: 'Port to listen on; 0 takes a free one.',
    },
    LOG_LEVEL: {
      schema: logLevel(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      default: 'info',
      description: 'trace, debug, info, warn, error, fatal or silent, in any case.',
    },
    REQUEST_TIMEOUT: {
      schema: seconds({ min: 0.001 }),
      default: '45',
      description:
        'Seconds after which a request that is not answered stops using the database and gets a 503. Keep it above DATABASE_POOL_TIMEOUT.',
    },
    CORS_ORIGINS: {
      schema: origins(),
      example: 'https://shop.example,https://admin.example:8443',
      description: 'Origins whose pages may ask this service, separated by commas. Unset: none.',
    },
    SHUTDOWN_TIMEOUT: {
      schema: seconds({ min: 0 }),
      default: '8',
      description:
        'Seconds a stop may take before requests and queries are cut off. Keep it below what the platform allows (docker stop 10, Kubernetes 30).',
    },
    SHUTDOWN_DELAY: {
      schema: seconds({ min: 0 }),
      example: '5',
      description:
        'Seconds a stop still accepts requests after /readyz turned 503, so that load balancers notice: at most a quarter of SHUTDOWN_TIMEOUT is used. Unset: 1 in production, else 0.',
    },
    HEALTH_DETAILS: {
      schema: oneOf(['always', 'token', 'never']),
      description:
        "Who may read health details, metrics and the API's documents: always, token, never. Unset: token if HEALTH_TOKEN is set, else never in production and always elsewhere.",
      example: 'token',
    },
    HEALTH_TOKEN: {
      schema: healthToken,
      secret: true,
      example: 'at-least-16-characters',
      description: 'What the caller sends as Authorization: Bearer …',
    },
    OTEL_EXPORTER_OTLP_ENDPOINT: {
      schema: serviceUrl(),
      example: 'http://otel-collector:4318',
      description:
        'Where a collector receives traces and metrics (OTLP over HTTP). Unset: none are sent. With it, all other OTEL_ variables of OpenTelemetry have their meaning too, such as OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER.',
    },
    OTEL_SDK_DISABLED: {
      schema: boolean(),
      default: 'false',
      description: 'Sends no traces and metrics also where OTEL_EXPORTER_OTLP_ENDPOINT is set.',
    },
    ...targetVariables(definition),
    ...directVariables(definition),
    ...optionsVariables(definition),
  } as const satisfies VariableTable
}
