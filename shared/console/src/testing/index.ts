export { startWorld, type World, type WorldService } from './world.ts'
