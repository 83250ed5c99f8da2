import { dirname, join } from 'node:path'
import type { importPolicies, Site } from '../config.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Plan, ReleaseId, Verified } from '../model.ts'
import { type Ahead, checkPython, type Findings } from '../python/check.ts'
import type { Interpreter } from '../python/interpreter.ts'
import type { Behalf } from '../python/worker.ts'
import { dropsIn, filesIn } from '../update/apply.ts'
import { filesOf } from '../update/store.ts'
import type { Refused } from '../update/verify.ts'
import { releaseWords } from '../words-release.ts'
import type { Ground } from './ground.ts'
import type { Prepared } from './packages.ts'

/** A release that may be applied: its bytecode is made, and what is odd about it is known. */
export type Checked = {
  /** Relative to the release's bytecode folder, and to main. */
  readonly bytecode: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Has the program's own Python compile the release's files, running none of them, and look for modules
 * that are missing: not before its packages are there.
 */
export async function check(
  verified: Verified,
  packages: Prepared,
  on: Ground,
): Promise<Checked | Refused> {
  const { staging, bytecode } = filesOf(verified.release.id, on.site.paths)
  const staged = { folder: staging, only: null, bytecode }
  const { behalf } = on.packages
  if (behalf.owner !== null) letIn(verified.release.id, behalf.owner, on.site)
  const isThere = packages.is === 'there'
  const by: Checking = {
    python: isThere ? packages.inUse.python : on.python,
    imports: isThere ? on.site.config.verify.imports : 'ignore',
    hasNewPackages: isThere && packages.inUse.python.path !== on.packages.inUse().python.path,
    behalf,
    start: on.ahead.take,
  }
  return checkPlan(verified.plan, staged, on.site, by, on.orders.call())
}

/** Starts Python for the check of files that are, or soon will be, claimed: it starts while the quiet period runs out. */
export function expectCheck(files: readonly { readonly path: string }[], on: Ground): void {
  if (files.some(({ path }) => path.endsWith('.py')))
    on.ahead.expect(on.packages.inUse().python, on.packages.behalf)
}

/** Lets another user read what was staged, and write the bytecode. */
function letIn(id: ReleaseId, owner: NonNullable<Behalf['owner']>, { disk, paths }: Site): void {
  const { dir, staging, bytecode } = filesOf(id, paths)
  for (const folder of [dirname(paths.releases), paths.releases, dir, staging]) {
    disk.letThrough(folder)
  }
  disk.makeDir(bytecode)
  disk.give(bytecode, owner)
}

/** With what it is checked. */
export type Checking = {
  readonly python: Interpreter
  readonly imports: (typeof importPolicies)[number]
  /** The program's packages will be others than now: what it imports is looked at in any case. */
  readonly hasNewPackages: boolean
  readonly behalf: Behalf
  /** Where a checker comes from. */
  readonly start: Ahead['take']
}

/** Where the new files of a plan lie. All paths are absolute but those of `only`. */
export type Staged = {
  readonly folder: string
  /** The files and folders in it that count, relative to it; null: all. */
  readonly only: readonly string[] | null
  /** The folder for the bytecode; null: none is kept. */
  readonly bytecode: string | null
}

/** The same for files that lie anywhere. Throws the signal's reason when that ends it. */
export async function checkPlan(
  plan: Plan,
  { folder, only, bytecode }: Staged,
  { config, paths, disk }: Site,
  by: Checking,
  end: AbortSignal,
): Promise<Checked | Refused> {
  const files = filesIn(plan)
    // What a link leads to need not be here yet; it is a file like others, and looked at as that.
    .filter((path) => path.endsWith('.py') && disk.kind(join(folder, path)) !== 'symlink')
    .map((path) => ({ path, read: join(folder, path), place: join(paths.main, path) }))
  if (files.length === 0 && !by.hasNewPackages) return { bytecode: [], warnings: [] }
  try {
    const question = {
      files,
      bytecode,
      entry: config.program.entry,
      roots: [folder, paths.main],
      staged: only,
      gone: dropsIn(plan),
    }
    const checker = by.start(by.python, by.behalf)
    return judged(
      await checkPython(question, by.python, config.verify.checkMs, end, checker),
      by.imports,
    )
  } catch (error) {
    end.throwIfAborted()
    if (codeOf(error) !== 'ECHECK') throw error
    return { refused: messageOf(error), mayBeCutOff: false }
  }
}

function judged(findings: Findings, imports: string): Checked | Refused {
  if (findings.errors.length > 0) {
    return { refused: releaseWords.syntax(findings.errors), mayBeCutOff: true }
  }
  if (findings.missing.length > 0 && imports === 'strict') {
    return { refused: releaseWords.missingModules(findings.missing), mayBeCutOff: true }
  }
  const warned = findings.missing.length > 0 && imports === 'warn'
  return {
    bytecode: findings.bytecode,
    warnings: warned ? [releaseWords.missingModules(findings.missing)] : [],
  }
}
