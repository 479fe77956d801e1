export { passStates, type StateName, startStatesWorld, stateNames, type WorldState } from './states.ts'
export {
  type ClusterWorld,
  startClusterWorld,
  startWorld,
  type World,
  type WorldService,
} from './world.ts'
