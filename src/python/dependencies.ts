import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { parse } from 'smol-toml'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { withoutPassword } from '../phrases.ts'
import type { Disk } from '../system/disk.ts'
import { packageWords } from '../words-packages.ts'
import { type GupLine, gupfileName, type Mistake, normalName, parseGupfile } from './gupfile.ts'
import type { Interpreter } from './interpreter.ts'
import { readRequirements, type View } from './requirements.ts'

/** The packages a program wants, as the files of main say. */
export type Wish = {
  /** The file that says so. */
  readonly from: string
  /** The lines of a gupfile; none for the other files. */
  readonly lines: readonly GupLine[]
  /** What pip is asked for apart from those: in `files`, or each on its own. */
  readonly requirements: readonly string[]
  /** Files that pip reads, with their texts. Paths are relative to main. */
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** Wheels and archives that go to pip with them. */
  readonly carried: readonly Carried[]
  /** Changes with each letter of the above: a tag or branch is looked up anew when it does. */
  readonly digest: string
}

/** A file of packages that came with the program. */
export type Carried = {
  /** Relative to main. */
  readonly path: string
  /** Where it is now, absolute. */
  readonly place: string
  /** Another content is another print. */
  readonly print: string
}

/** What main asks for: packages, or nothing but the interpreter itself (null), or nonsense. */
export type Asked = { readonly wish: Wish | null } | { readonly mistakes: readonly Mistake[] }

/** The folder in main whose wheels are used before any index. */
export const wheelsFolder = 'wheels'

/**
 * Reads what main will ask for: its gupfile, else requirements.txt, else `[project] dependencies` of
 * pyproject.toml. `[python] dependencies` may say which of them counts.
 */
export async function readWish(view: View, settings: Config['python'], disk: Disk): Promise<Asked> {
  const policy = settings.dependencies
  const allows = (kind: typeof policy) => policy === 'auto' || policy === kind
  const has = (path: string) => view.place(path) !== null
  let found: Found | { readonly mistakes: readonly Mistake[] } = nothing
  if (allows('gupfile') && has(gupfileName)) found = await fromGupfile(view, settings.sources)
  else if (allows('requirements') && has(requirementsName)) found = await fromRequirements(view)
  else if (policy === 'auto' && has(projectName)) found = await fromProject(view)
  if ('mistakes' in found) return found
  if (found.isEmpty) return { wish: null }
  const wheels = view.names(wheelsFolder).filter((name) => name.endsWith('.whl'))
  const paths = [...wheels.map((name) => `${wheelsFolder}/${name}`), ...found.archives]
  const carried = [...new Set(paths)].sort().flatMap((path) => {
    const place = view.place(path)
    return place === null ? [] : [{ path, place, print: disk.print(place) }]
  })
  const { from, lines, requirements, files, raw } = found
  const about = { from, raw, files, carried: carried.map(({ path, print }) => [path, print]) }
  return { wish: { from, lines, requirements, files, carried, digest: hashOf(about) } }
}

type Found = Pick<Wish, 'from' | 'lines' | 'requirements' | 'files'> & {
  readonly archives: readonly string[]
  readonly isEmpty: boolean
  readonly raw: string
}

const requirementsName = 'requirements.txt'
const projectName = 'pyproject.toml'

const nothing: Found = {
  from: '',
  lines: [],
  requirements: [],
  files: [],
  archives: [],
  isEmpty: true,
  raw: '',
}

async function fromGupfile(view: View, schemes: readonly string[]) {
  const text = (await view.text(gupfileName)) ?? ''
  const read = parseGupfile(text, schemes)
  if ('mistakes' in read) return read
  const raw = text.replace(/\r\n?/g, '\n')
  return { ...nothing, from: gupfileName, lines: read.lines, isEmpty: read.lines.length === 0, raw }
}

async function fromRequirements(view: View) {
  const read = await readRequirements(requirementsName, view)
  return 'mistakes' in read ? read : { ...nothing, ...read, from: requirementsName }
}

async function fromProject(view: View) {
  const wrong = (why: string) => ({ mistakes: [{ path: projectName, line: 0, why }] })
  try {
    const { project } = parse((await view.text(projectName)) ?? '') as { project?: unknown }
    const { dependencies = [] } = (project ?? {}) as { dependencies?: unknown }
    const isList = Array.isArray(dependencies)
    // Each becomes a line of a file that pip reads: it must be a requirement, and one line.
    const isRight = (one: unknown) => typeof one === 'string' && /^[A-Za-z0-9][^\n\r]*$/.test(one)
    if (!isList || !dependencies.every(isRight)) return wrong(packageWords.projectForm)
    const requirements = (dependencies as string[]).map((one) => one.trim()).sort()
    const isEmpty = requirements.length === 0
    return { ...nothing, from: projectName, requirements, isEmpty, raw: requirements.join('\n') }
  } catch (error) {
    return wrong(messageOf(error))
  }
}

/** What the sources of a gupfile came to: commits, by the names of their packages. */
export type Commits = Readonly<Record<string, string>>

/** The lines whose commit must be known before their environment has an address. */
export function sourcesOf(wish: Wish): readonly (GupLine & { readonly source: string })[] {
  return wish.lines.flatMap((line) => {
    const { source } = line
    return source === null || wheelsFor(line, wish).length > 0 ? [] : [{ ...line, source }]
  })
}

/**
 * What pip is asked for, each on its own line. Wheels that came with the program stand in for a source of
 * the same name and version: so a box without a network can be fed.
 */
export function requirementsOf(wish: Wish, commits: Commits): string[] {
  const own = wish.lines.map((line) => {
    const { name, extras, version, source } = line
    const exactly = `${name}${extras}==${version.replace(/^v/i, '')}`
    if (source === null) return exactly
    const [wheel, ...others] = wheelsFor(line, wish)
    // Of several, for several machines, pip chooses. A single one it need not look for in the index.
    if (wheel !== undefined) return others.length > 0 ? exactly : `./${wheel}${extras}`
    const at = `${source}@${commits[name]}`
    // Not all versions of pip take "name @ git+file:///…".
    return source.startsWith('git+file:')
      ? `${at}#egg=${name}${extras}`
      : `${name}${extras} @ ${at}`
  })
  return [...own, ...wish.requirements]
}

/** The wheels that came with the program for exactly this line; relative to main. */
function wheelsFor({ name, version }: GupLine, { carried }: Wish): string[] {
  const wanted = version.replace(/^v/i, '').toLowerCase()
  const wheels = carried.map(({ path }) => path).filter((path) => dirname(path) === wheelsFolder)
  return wheels.filter((path) => {
    // The binary distribution format: NAME-VERSION-TAGS.whl, with no other "-" in name and version.
    const [wheelName = '', wheelVersion = ''] = basename(path).split('-')
    return normalName(wheelName) === name && wheelVersion.toLowerCase() === wanted
  })
}

/** Raised when environments are made in another way than before: the old ones do not count any more. */
const format = 1

/**
 * The name of the environment that fulfils a wish: the same packages for the same Python in the same place
 * have the same. Environments are never changed, so a changed wish has another one.
 */
export function addressOf(
  wish: Wish,
  commits: Commits,
  python: Interpreter,
  folder: string,
  settings: Config['python'],
): string {
  const [major, minor] = python.version.split('.')
  return hashOf({
    format,
    // An environment of 3.11.2 works with 3.11.9, but not with 3.12.
    python: [python.path, major, minor, python.abi],
    // Its scripts begin with its own path.
    folder,
    system: settings.systemPackages,
    requirements: requirementsOf(wish, commits).sort(),
    files: wish.files.map(({ path, text }) => [path, bare(text)]),
    carried: wish.carried.map(({ path, print }) => [path, print]),
  })
}

/** A requirements file without what changes nothing: comments, blanks and line ends. */
function bare(text: string): string[] {
  const rows = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  return rows.map((row) => row.replace(/(^|\s)#.*$/, '').trim()).filter((row) => row !== '')
}

/** 64 bits are plenty for the few there are; in names of scripts short ones are needed. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

/** The packages of a wish, for people. */
export function namesOf(wish: Wish): string[] {
  const own = wish.lines.map(({ name, version }) => `${name} ${version}`)
  return [...own, ...wish.requirements.map(withoutPassword)]
}
