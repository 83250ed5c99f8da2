/** A tree of files: paths relative to its root, and their contents. */
export type Tree = ReadonlyMap<string, string>

/** Where one peer runs one program. All paths are absolute. */
export type Place = {
  /** A folder of its own, for whatever the peer needs. */
  readonly dir: string
  /** The folder the program lies in; it is there, with the first version. */
  readonly main: string
  /** The interpreter that every peer runs the program with. */
  readonly python: string
  /** Whether swaps will follow each other closely: then a peer may shorten what comes after one. */
  readonly isHurried: boolean
  /** The environment to start everything with. */
  readonly env: NodeJS.ProcessEnv
}

/** Writes a tree into a folder; the answer is when the last byte was written, on the clock of `now`. */
export type Upload = (files: Tree, into: string) => Promise<number>

/** A peer that was started on a place. */
export type Running = {
  /** When it was asked to begin, on the clock of `now`. */
  readonly askedAt: number
  /** Its own processes at the root. What these started belongs to it too, apart from the program. */
  readonly roots: () => readonly number[]
  /**
   * Brings new files in the way its users do, and tells it to take them where it does not notice by
   * itself. The answer is that of `upload`.
   */
  readonly swap: (files: Tree, upload: Upload) => Promise<number>
  /** Resolves when nothing of the last swap is under way any more. */
  readonly rest: () => Promise<void>
  /** The files that the program's output goes to. */
  readonly logs: () => Promise<readonly string[]>
  /** Ends the program and the peer. */
  readonly stop: () => Promise<void>
}

/** Whether a peer can take part: its version, or how it can be had. */
export type Presence =
  | { readonly is: 'there'; readonly version: string }
  | { readonly is: 'missing'; readonly how: string }

/** Something that keeps a program running. Each has a file of its own in `peers/`. */
export type Peer = {
  readonly name: string
  /** How it is run, and how it learns of new files: one line for the people who read the results. */
  readonly way: string
  readonly find: () => Promise<Presence>
  /** Starts it. The program need not run yet when this resolves. */
  readonly start: (place: Place) => Promise<Running>
  /** False: the program inherits its stdout, and it does nothing with it. */
  readonly carriesOutput: boolean
}
