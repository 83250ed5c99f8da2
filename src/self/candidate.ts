/** Something that keeps a version from coming, and perhaps the way out. */
export type Trouble = { readonly why: string; readonly hint?: string }

/** A version that the place of the settings has, before any of it is taken. */
export type Candidate = {
  readonly version: string
  /** The oldest Node it runs with, as in package.json; null: it is not told yet. */
  readonly node: string | null
  /** Where it is, for people. */
  readonly of: string
  /** Writes its files into an empty folder, which is there. */
  readonly fetch: (into: string) => Promise<Trouble | null>
}

/** What a place has. `waits`: nothing that could be used. `failed`: it could not be asked. */
export type Newest =
  | { readonly is: 'newest'; readonly candidate: Candidate }
  | ({ readonly is: 'waits' | 'failed' } & Trouble)
