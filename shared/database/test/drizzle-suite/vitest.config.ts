import { join } from 'node:path'

const tests = process.env.DRIZZLE_TESTS ?? ''
const drizzle = process.env.DRIZZLE_ORM ?? ''
const tsconfig = process.env.DRIZZLE_TSCONFIG
const layer = join(import.meta.dirname, 'layer-driver.ts')

/** For Drizzle's own integration tests, on the drizzle-orm that this package has: over stock postgres.js, or over this layer. */
export default {
  resolve: {
    alias: [
      { find: /^~\//, replacement: `${tests}/` },
      ...(process.env.DRIZZLE_OVER === 'layer'
        ? [{ find: /^drizzle-orm\/postgres-js$/, replacement: layer }]
        : []),
      { find: /^drizzle-orm$/, replacement: join(drizzle, 'index.js') },
      { find: /^drizzle-orm\/(.*?)(\.js)?$/, replacement: join(drizzle, '$1') },
    ],
  },
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // What is not transformed resolves drizzle-orm as this says.
    ...(tsconfig && { execArgv: [`--tsconfig-override=${tsconfig}`] }),
    fileParallelism: false,
    server: { deps: { external: [/node_modules/, /\/shared\/(?:database|pool)\//] } },
  },
}
