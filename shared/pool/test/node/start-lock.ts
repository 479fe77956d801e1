import { closeSync, openSync } from 'node:fs'

/** Stands for SQLite's lock on a file: on Node no two test files run at once. */
export class Database {
  constructor(file: string) {
    closeSync(openSync(file, 'a'))
  }

  run(): void {}

  close(): void {}
}
