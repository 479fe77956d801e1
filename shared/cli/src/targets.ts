import type { Target } from '@shared/console'
import { baseUrl } from './readiness.ts'
import type { ServiceSetup } from './service-environment.ts'

/** Where and how to ask the services about their pools. */
export function targetsOf(setups: readonly ServiceSetup[]): Target[] {
  return setups.map((setup) => ({
    name: setup.service.service,
    url: baseUrl(setup),
    token: setup.environment.HEALTH_TOKEN || undefined,
  }))
}
