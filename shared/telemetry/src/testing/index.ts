export type { ReceivedMetric, ReceivedSpan } from './otlp-messages.ts'
export type { OtlpReceiver } from './otlp-receiver.ts'
export { startOtlpReceiver } from './otlp-receiver.ts'
