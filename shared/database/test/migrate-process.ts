import { migrate } from '../src/index.ts'

const [url = '', migrationsFolder = ''] = process.argv.slice(2)
await migrate({ url, migrationsFolder })
