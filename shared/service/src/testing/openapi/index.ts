export { type ApiDocumentOptions, testApiDocument } from './suite.ts'
