import { join } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'
import type { Verified } from '../model.ts'
import { checkPython, type Findings } from '../python/check.ts'
import { filesIn } from '../update/apply.ts'
import { filesOf } from '../update/store.ts'
import type { Refused } from '../update/verify.ts'
import { words } from '../words.ts'
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
  const { config, paths } = on.site
  const isWanted = packages.is === 'wanted'
  const python = isWanted ? on.python : packages.inUse.python
  const { staging, bytecode } = filesOf(verified.release.id, paths)
  const files = filesIn(verified.plan)
    .filter((path) => path.endsWith('.py'))
    .map((path) => ({ path, read: join(staging, path), place: join(paths.main, path) }))
  const isAsBefore = isWanted || python.path === on.packages.inUse().python.path
  if (files.length === 0 && isAsBefore) return { bytecode: [], warnings: [] }
  const gone = verified.plan.steps.flatMap((step) => (step.do === 'drop' ? [step.path] : []))
  const limits = { ms: config.verify.checkMs, msPerFile: config.verify.checkPerFileMs }
  try {
    const question = {
      files,
      bytecode,
      entry: config.program.entry,
      roots: [staging, paths.main],
      gone,
    }
    return judged(
      await checkPython(question, python, limits, on.orders.call()),
      isWanted ? 'ignore' : config.verify.imports,
    )
  } catch (error) {
    on.orders.call().throwIfAborted()
    if (codeOf(error) !== 'ECHECK') throw error
    return { refused: messageOf(error), mayBeCutOff: false }
  }
}

function judged(findings: Findings, imports: string): Checked | Refused {
  if (findings.errors.length > 0) {
    return { refused: words.syntax(findings.errors), mayBeCutOff: true }
  }
  if (findings.missing.length > 0 && imports === 'strict') {
    return { refused: words.missingModules(findings.missing), mayBeCutOff: true }
  }
  const warned = findings.missing.length > 0 && imports === 'warn'
  return {
    bytecode: findings.bytecode,
    warnings: warned ? [words.missingModules(findings.missing)] : [],
  }
}
