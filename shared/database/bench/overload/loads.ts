/** How many callers come, in multiples of what the pool can serve, and for how long in ms. */
export interface Phase {
  readonly times: number
  readonly forMs: number
}

/** Callers that come whether or not those before them were served: a row of tables. */
export interface Load {
  readonly title: string
  /** What is measured. */
  readonly phases: readonly Phase[]
}

const spike: readonly Phase[] = [
  { times: 3, forMs: 150 },
  { times: 0.4, forMs: 850 },
]

export const loads = {
  double: { title: '2 times what can be served, for 3 s', phases: [{ times: 2, forMs: 3_000 }] },
  tenfold: { title: '10 times what can be served, for 3 s', phases: [{ times: 10, forMs: 3_000 }] },
  spikes: {
    title: 'spikes: 3 times for 150 ms of each second, 0.8 times on average, for 4 s',
    phases: [...spike, ...spike, ...spike, ...spike],
  },
} satisfies Record<string, Load>

export type LoadId = keyof typeof loads

export const loadIds = Object.keys(loads) as LoadId[]

/** Before what is measured, so that connections are warm, and after it, until nobody is refused or late any more. */
export const calm = { times: 0.5, beforeMs: 500, quietMs: 700, boundMs: 12_000 } as const

/** Longest time in ms after which an answer is still of use to its caller. */
export const patienceMs = 1_000

/** Longest time in ms of a call of calm times; after the load, one that took longer is a trace of it. */
export const promptMs = 100
