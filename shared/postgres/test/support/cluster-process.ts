import { startCluster } from '../../src/testing/index.ts'

// A test run of another process, which is killed while its cluster runs.
const { servers } = await startCluster()
console.log(JSON.stringify(servers.map(({ pid, dataDirectory }) => ({ pid, dataDirectory }))))
setInterval(() => {}, 60_000)
