/** Which packages of the workspace the packages at a path may run on; `$` stands for the name after the `/`. */
export interface BoundaryRule {
  /** `services/*`: any package there. */
  readonly packages: string
  readonly mayUse: readonly string[]
}

/** Imports point one way. What is in no row may use no package of the workspace; npm packages are declared, not ruled. */
export const boundaryRules: readonly BoundaryRule[] = [
  { packages: 'services/*', mayUse: ['@shared/service', '@shared/env', '@shared/database', '@schema/$'] },
  { packages: 'shared/service', mayUse: ['@shared/database'] },
  { packages: 'shared/env', mayUse: ['@shared/database'] },
  {
    packages: 'shared/cli',
    mayUse: ['@shared/console', '@shared/database', '@shared/env', '@shared/postgres'],
  },
]

/** What tests, and the helpers they import, may use on top, wherever they are. */
export const testsMayUse: readonly string[] = [
  '@shared/postgres',
  '@shared/service',
  '@shared/env',
  '@shared/database',
]
