import type * as z from 'zod'
import type { Config } from './config.ts'
import { depositTrouble } from './config-folders.ts'
import { waysToAsk } from './config-health.ts'
import { type LineOf, lineNear } from './config-lines.ts'
import { shown } from './phrases.ts'
import { words } from './words.ts'

/** One thing that is wrong in `supervisor.toml`. */
export type Problem = {
  /** From 1; null where it cannot be told. */
  readonly line: number | null
  /** As it is written: `program.stop`; empty for the file as a whole. */
  readonly key: string
  readonly what: string
}

/** A file with more mistakes than these is told of the first ones. */
const mostTold = 20

/** A list may have a hundred thousand wrong things in it, which need not be brought in order. */
const mostSorted = 1_000

/**
 * What zod has to say of the parsed file, in our words and in the order of the file. `known` are the
 * names of all settings.
 */
export function problemsOf(
  error: z.ZodError,
  parsed: unknown,
  lineOf: LineOf,
  known: readonly string[],
): Problem[] {
  const all = error.issues.slice(0, mostSorted).flatMap((issue): Complaint[] => {
    const path = issue.path.map(String)
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ is: 'unknown', path: [...path, key] }))
      case 'invalid_key':
        return [{ is: 'name', path, expected: issue.issues[0]?.message ?? issue.message }]
      default:
        return [{ is: 'value', path, expected: issue.message }]
    }
  })
  const once = new Map(all.map((one) => [one.path.join('\0'), one]))
  return [...once.values()]
    .map((complaint) => ({ complaint, line: lineNear(complaint.path, lineOf) }))
    .sort(byLine)
    .slice(0, mostTold)
    .map(({ complaint, line }) => ({
      line,
      key: keyText(complaint.path),
      what: complaintText(complaint, parsed, known),
    }))
}

/** In the order of the file; what has no line comes last. */
export function byLine(one: Pick<Problem, 'line'>, other: Pick<Problem, 'line'>): number {
  return (one.line ?? Infinity) - (other.line ?? Infinity)
}

/** What is wrong with the thing at a path. */
type Complaint =
  | { readonly is: 'unknown'; readonly path: readonly string[] }
  | { readonly is: 'name' | 'value'; readonly path: readonly string[]; readonly expected: string }

function complaintText(complaint: Complaint, parsed: unknown, known: readonly string[]): string {
  switch (complaint.is) {
    case 'unknown':
      return words.unknownKey(nearest(complaint.path, known))
    case 'name':
      return complaint.expected
    case 'value':
      return words.unexpected(complaint.expected, found(complaint.path, parsed))
  }
}

/** Settings that are right, each by itself, but not together. `given`: what the file gives, with its lines. */
export function contradictions(
  { folders, program, health, git, selfUpdate }: Config,
  lineOf: LineOf,
  given: ReadonlyMap<string, number | null>,
): Problem[] {
  return [
    ...folderProblems(folders, given),
    ...backoffProblems(program, lineOf),
    ...healthProblems(health, lineOf),
    ...branchProblems(git, lineOf),
    ...scheduleProblems('git', git, given),
    ...scheduleProblems('self_update', selfUpdate, given),
    ...sourceProblems(selfUpdate, lineOf),
  ]
}

/** Relative paths lead to the same wherever the project is. What an absolute one leads to is seen at the start. */
const anyProject = '/a/b/c/d/e/f/project'

function folderProblems(
  folders: Config['folders'],
  given: ReadonlyMap<string, number | null>,
): Problem[] {
  const trouble = depositTrouble(folders, anyProject)
  if (trouble === null) return []
  const key = 'folders.deposit'
  const line = given.get(key) ?? given.get('folders.main') ?? null
  return [{ line, key, what: words.depositMisplaced[trouble] }]
}

function branchProblems({ branch, tag }: Config['git'], lineOf: LineOf): Problem[] {
  if (branch === '' || tag === '') return []
  const path = ['git', 'tag'] as const
  return [{ line: lineOf(path), key: keyText(path), what: words.oneOfBoth('git.branch') }]
}

/** `every` has a default, so it counts only where it is written. */
function scheduleProblems(
  section: 'git' | 'self_update',
  { schedule }: { readonly schedule: string },
  given: ReadonlyMap<string, number | null>,
): Problem[] {
  const [key, other] = [`${section}.schedule`, `${section}.every`]
  if (schedule === '' || !given.has(other)) return []
  return [{ line: given.get(key) ?? null, key, what: words.oneOfBoth(other) }]
}

function sourceProblems({ mode, from }: Config['selfUpdate'], lineOf: LineOf): Problem[] {
  if (mode === 'off' || from !== '') return []
  const path = ['self_update', 'mode'] as const
  return [{ line: lineOf(path), key: keyText(path), what: words.needs('self_update.from') }]
}

function healthProblems(health: Config['health'], lineOf: LineOf): Problem[] {
  const [first, ...others] = waysToAsk(health).map((way) => ['health', way] as const)
  return others.map((path) => {
    const what = words.oneOfBoth(keyText(first ?? []))
    return { line: lineNear(path, lineOf), key: keyText(path), what }
  })
}

function backoffProblems(program: Config['program'], lineOf: LineOf): Problem[] {
  if (program.backoffMs <= program.backoffMaxMs) return []
  const [shorter, longer] = [
    ['program', 'backoff'],
    ['program', 'backoff_max'],
  ] as const
  const what = words.longerThan('program.backoff_max')
  const line = lineOf(shorter) ?? lineNear(longer, lineOf)
  return [{ line, key: keyText(shorter), what }]
}

/** All problems of a file as one text: a line for each, as compilers write it. */
export function problemText(file: string, problems: readonly Problem[]): string {
  return problems
    .map(({ line, key, what }) => {
      const place = line === null ? file : `${file}:${line}`
      return `${place}: ${key === '' ? '' : `${key}: `}${what}`
    })
    .join('\n')
}

/** `program.stop`, `deposit.ports[1]`; a name that needs quotes has them. */
function keyText(path: readonly string[]): string {
  const parts = path.map((part, index) => {
    if (index > 0 && /^\d+$/.test(part)) return `[${part}]`
    const isPlain = /^[A-Za-z0-9_-]+$/.test(part)
    return `${index > 0 ? '.' : ''}${isPlain ? cut(part) : JSON.stringify(cut(part))}`
  })
  return shown(parts.join(''))
}

/** What is written there, for people. Never a variable or an address: a secret may be in it. */
function found(path: readonly string[], parsed: unknown): string {
  let value = parsed
  for (const part of path) value = (value as Record<string, unknown> | undefined)?.[part]
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a date'
  if (typeof value === 'object') return 'a table'
  if (['env', 'http'].includes(path[1] ?? '')) return `a ${typeof value}`
  return typeof value === 'string' ? shown(JSON.stringify(cut(value))) : String(value)
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** The known name that was most likely meant, or null when none is near. */
function nearest(path: readonly string[], known: readonly string[]): string | null {
  const written = path.join('.')
  const own = path.at(-1) ?? ''
  if (written.length > 60) return null
  const sections = known.map((name) => name.split('.')[0] ?? '')
  const names = path.length === 1 ? [...new Set(sections), ...known] : known
  const rated = names.map((name) => {
    // The right name in the wrong section is nearer than any other.
    const isElsewhere = own === name.split('.').at(-1)
    return { name, far: isElsewhere ? 0 : distance(written, name) }
  })
  const best = rated.reduce((one, other) => (other.far < one.far ? other : one))
  return best.far <= Math.max(1, Math.floor(own.length * 0.4)) ? best.name : null
}

/** How many letters must be added, removed or changed (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (const [at, otherLetter] of [...other].entries()) {
      const changed = (row[at] ?? 0) + (letter === otherLetter ? 0 : 1)
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
