/** Whether something was there, and whether it had to be changed; `adopted`: it was somebody else's. */
export type Outcome = 'created' | 'adopted' | 'updated' | 'unchanged'

/** A database or a role, and what became of it. */
export interface Named {
  readonly name: string
  readonly outcome: Outcome
}

/** Statements that belong together and are sent as one message. */
export interface Step {
  /** In words: `create role "auth_app"`. */
  readonly name: string
  /** Where they run; null: in the admin's database. */
  readonly database: string | null
  readonly statements: readonly string[]
  /** Reported where the admin may not do it, in place of a failure. */
  readonly otherwise?: string
}

/** Steps that happen all together or not at all, each database in one transaction; or, where that can't be, one by one. */
export interface Stage {
  readonly name: string
  readonly together: boolean
  readonly steps: readonly Step[]
}

/** Why nothing is done. */
export interface Refusal {
  readonly reason: 'not-ours' | 'privilege' | 'password'
  /** `database "auth_db", which belongs to "poc_user"` */
  readonly message: string
}

/** Everything that will be done, in its order. What is printed of it and what is executed are this one object. */
export interface ProvisionPlan {
  readonly stages: readonly Stage[]
  /** Where there are any, there are no stages. */
  readonly refusals: readonly Refusal[]
  readonly databases: readonly Named[]
  readonly roles: readonly Named[]
  /** What is left as it is, or somebody should know. */
  readonly warnings: readonly string[]
}
