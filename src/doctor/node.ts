import { packageOf } from '../system/package.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, error, type Finding, ok } from './finding.ts'
import { inTurn, rootLine } from './line.ts'
import type { Machine } from './patient.ts'

/** Is this Node new enough for the daemon? */
export const node: Check = {
  name: 'node',
  look: (machine) => [judgeNode(process.versions.node, packageOf().engines.node, machine)],
}

/** `wanted` is as in package.json: `>=20.19.0`. */
export function judgeNode(version: string, wanted: string, machine: Machine): Finding {
  const least = wanted.replace(/^>=/, '')
  if (!isOlder(version, least)) return ok('node', doctorWords.node(version))
  // Debian's own may be too old as well; this is the source that nodejs.org names for it.
  const fix = inTurn(
    `curl -fsSL https://deb.nodesource.com/setup_22.x | ${rootLine(machine, ['bash', '-'])}`,
    rootLine(machine, ['apt', 'install', 'nodejs']),
  )
  const text = doctorWords.nodeTooOld(version, least)
  return error('node', text, machine.hasApt ? fix : undefined)
}

/** True when the first version is below the second; numbers with points between them. */
export function isOlder(version: string, least: string): boolean {
  const [have = [], need = []] = [version, least].map((text) => text.split('.').map(Number))
  const at = need.findIndex((part, index) => (have[index] ?? 0) !== part)
  return at >= 0 && (have[at] ?? 0) < (need[at] ?? 0)
}
