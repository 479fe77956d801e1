// The package has no types for this file, which pbjs made from OpenTelemetry's .proto files; no newer version can decode.
declare module 'otlp-transformer-0.57/build/src/generated/root.js' {
  interface MessageType {
    decode(bytes: Uint8Array): object
    toObject(
      message: object,
      options: { bytes: StringConstructor; longs: NumberConstructor; arrays: true },
    ): unknown
  }
  const root: {
    opentelemetry: {
      proto: {
        collector: {
          trace: { v1: { ExportTraceServiceRequest: MessageType } }
          metrics: { v1: { ExportMetricsServiceRequest: MessageType } }
        }
      }
    }
  }
  export default root
}
