import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { afterwards } from './cleanup.ts'

/** The settings tests run with: everything is quick. */
export const fastSettings = {
  program: { start: '50ms', backoff: '50ms', backoff_max: '400ms', stop: '1s', term: '300ms' },
  deposit: { quiet: '150ms', tick: '25ms', rescan: '300ms', retry: '200ms' },
  trial: { time: '600ms' },
  update: { retry: '100ms', wait: '200ms' },
}

export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A file tree: paths relative to its root, and their contents. */
export type Tree = Readonly<Record<string, string>>

/** A tree whose files need not be text. */
export type Files = Readonly<Record<string, string | Buffer>>

/** Makes a project directory that is removed after the test. `settings` add to the fast ones. */
export async function makeProject(t: TestContext, settings: Settings = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ota-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  await writeSettings(dir, settings)
  return dir
}

/** A project whose main holds one of the fixture programs, and these files beside it. */
export async function projectWith(
  t: TestContext,
  program: string,
  settings: Settings = {},
  files: Files = {},
): Promise<string> {
  const dir = await makeProject(t, settings)
  await putProgram(program, join(dir, 'main'))
  await writeTree(join(dir, 'main'), files)
  return dir
}

/** Writes `supervisor.toml`: the fast settings, and these on top. */
export async function writeSettings(dir: string, settings: Settings = {}): Promise<void> {
  const names = new Set([...Object.keys(fastSettings), ...Object.keys(settings)])
  const sections = [...names].map((name) => {
    const keys = { ...(fastSettings as Settings)[name], ...settings[name] }
    const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    return [`[${name}]`, ...lines].join('\n')
  })
  await writeFile(join(dir, 'supervisor.toml'), `${sections.join('\n\n')}\n`)
}

/** Writes files below a folder, making what is missing. */
export async function writeTree(root: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

/**
 * Reads all files below a folder, apart from bytecode, which is derived. What goes while it reads is
 * not in it.
 */
export async function readTree(root: string): Promise<Tree> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const pairs = files.map(async (file): Promise<[string, string][]> => {
    const text = await readFile(file, 'utf8').catch(nullIfGone)
    return text === null ? [] : [[file.slice(root.length + 1), text]]
  })
  return Object.fromEntries((await Promise.all(pairs)).flat())
}

/** Copies one of the fixture programs to `main.py` of a folder. */
export async function putProgram(name: string, root: string): Promise<void> {
  await mkdir(root, { recursive: true })
  await cp(programPath(name), join(root, 'main.py'))
}

/** Where a fixture program is, absolute. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`../../../test/fixtures/programs/${name}.py`, import.meta.url))
}

function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error
  return null
}
