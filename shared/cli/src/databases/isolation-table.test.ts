import { expect, test } from 'bun:test'
import { provision } from '@shared/postgres'
import { startTestServer } from '@shared/postgres/testing'
import { isolationTable } from './isolation-table.ts'

const services = ['one', 'two'].map((service) => ({
  service,
  database: `${service}_db`,
  owner: `${service}_owner`,
  migrator: { name: `${service}_migrator`, password: 'a secret for the migrator' },
  app: { name: `${service}_app`, password: 'a secret for the service', connectionLimit: 5 },
}))

test('the table shows what each login did, and names every wall that is open', async () => {
  await using server = await startTestServer()
  const { adminUrl } = server
  await provision({ adminUrl, services, closeSharedDatabases: true })
  const closed = [
    'role          one_db     two_db     postgres  template1',
    'one_app       connected  42501      42501     42501',
    'one_migrator  connected  42501      42501     42501',
    'two_app       42501      connected  42501     42501',
    'two_migrator  42501      connected  42501     42501',
  ]
  expect((await isolationTable(adminUrl, services)).split('\n')).toEqual([
    ...closed,
    'isolated: each role reaches its own database and no other',
  ])

  await using admin = new Bun.SQL(adminUrl, { max: 1 })
  await admin.unsafe('grant connect on database two_db to one_app')
  expect((await isolationTable(adminUrl, services)).split('\n')).toEqual([
    ...closed.with(1, 'one_app       connected  connected  42501     42501'),
    'not isolated: "one_app" should get 42501 from database "two_db", and got connected',
    'not isolated: "one_app" has CONNECT on database "two_db"',
  ])
}, 120_000)

test('of a server that lets everybody into postgres and template1, the table is about the services alone', async () => {
  await using server = await startTestServer()
  const { adminUrl } = server
  await provision({ adminUrl, services })
  expect((await isolationTable(adminUrl, services, { sharedDatabases: false })).split('\n')).toEqual([
    'role          one_db     two_db',
    'one_app       connected  42501',
    'one_migrator  connected  42501',
    'two_app       42501      connected',
    'two_migrator  42501      connected',
    "isolated: each role reaches its own database and no other service's",
  ])
}, 120_000)
