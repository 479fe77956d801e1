export { countTests, type NodeRun, type NodeSummary, runOnNode } from './run-on-node.ts'
