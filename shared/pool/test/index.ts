export { type Waiter, WaitQueue } from '../src/wait-queue.ts'
export * from './fault-load.ts'
