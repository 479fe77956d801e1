import { drizzle } from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'
import type { DrizzleModel } from '../../src/index.ts'
import type { ConformanceCase, Handle } from './case.ts'

/** What the suite has to write differently for drizzle-orm 0.45 and for 1.0. */
export interface Variant {
  /** The option for relational queries, the same for `createDatabase()` and for `drizzle()`. */
  readonly model: { readonly schema?: DrizzleModel; readonly relations?: DrizzleModel }
  readonly migrationsFolder: string
  readonly relationalCases: readonly ConformanceCase[]
  /** Arrays of several dimensions, which each version declares in its own way. */
  readonly dimensionCases: readonly ConformanceCase[]
  /** What the handle is, and how it names columns. */
  readonly handleCases: readonly ConformanceCase[]
  /** Names of cases that find out a handle without Drizzle's codecs. */
  readonly codecCases: readonly string[]
  /** Relational queries that other cases ask among other things. */
  readonly ask: {
    readonly groups: (db: Handle) => PromiseLike<unknown>
    readonly firstGroup: (db: Handle) => PromiseLike<unknown>
    readonly nameAndPosts: (db: Handle, id: number) => PromiseLike<unknown>
  }
}

const folder = npmVersion.startsWith('0.') ? 'drizzle-0.45' : 'drizzle-1'

/** The one for the installed drizzle-orm; the other one would neither load nor type-check with it. */
export const { variant }: { variant: Variant } = await import(`./${folder}/variant.ts`)

/** Stock Drizzle over a client, with the world's tables. */
export function drizzleOver(client: unknown, config: object = {}): Handle {
  return drizzle({ client, ...variant.model, ...config } as never) as unknown as Handle
}
