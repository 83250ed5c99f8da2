import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { gitIn, programSaying } from './checkout.ts'
import { type Done, runSupervisor } from './command.ts'
import { programsOf } from './processes.ts'
import { makeProject, type Settings, writeSettings, writeTree } from './project.ts'
import { makeRepository, type Repository } from './repository.ts'
import { makeFolder } from './tools.ts'

/** What is written under `[projects.NAME]`: its own keys, and sections. */
export type Member = { readonly directory?: string } & { readonly sections?: Settings }

/** Makes a directory of many projects, whose settings add to the fast ones. */
export async function makeParent(
  t: TestContext,
  members: Readonly<Record<string, Member>>,
  settings: Settings = {},
): Promise<string> {
  const dir = await makeProject(t)
  await writeMembers(dir, members, settings)
  return dir
}

/** Writes its settings. */
export async function writeMembers(
  dir: string,
  members: Readonly<Record<string, Member>>,
  settings: Settings = {},
): Promise<void> {
  const tables = Object.entries(members).flatMap(([name, { sections = {}, ...own }]) => [
    [`projects.${name}`, own] as const,
    ...Object.entries(sections).map(([key, value]) => [`projects.${name}.${key}`, value] as const),
  ])
  await writeSettings(dir, { ...settings, ...Object.fromEntries(tables) })
}

/** Puts a program that says something, and stays, into `main/` of a project of it. */
export async function putMember(dir: string, name: string, program = programSaying(name)) {
  await writeTree(join(dir, name, 'main'), { 'main.py': program })
}

/** Makes a repository with such a program, and clones it to `PLACE` of the parent. */
export async function putCheckout(
  t: TestContext,
  dir: string,
  place: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Repository> {
  const remote = await makeRepository(t, await makeFolder(t), 'app', {
    'main.py': programSaying('first'),
    '.gitignore': '__pycache__/\n',
    ...files,
  })
  gitIn(dir, 'clone', '-q', remote.dir, place)
  return remote
}

/** Git settings with which nothing waits for long. */
export const quickGit = { remote: 'origin', every: '150ms', retry: '150ms', deadline: '5s' }

/** A verb with `--json`: its exit code, and what it says. */
export async function ask(
  dir: string,
  ...args: readonly string[]
): Promise<{
  readonly code: number | null
  // biome-ignore lint/suspicious/noExplicitAny: whatever the verb answers with
  readonly said: any
  readonly done: Done
}> {
  const done = await runSupervisor([...args, '--json'], dir)
  return { code: done.code, said: JSON.parse(done.stdout || 'null'), done }
}

/** The programs that run in these projects: their numbers, by name. */
export async function programsIn(
  dir: string,
  names: readonly string[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const all = names.map(async (name) => [name, await programsOf(join(dir, name))] as const)
  return Object.fromEntries(await Promise.all(all))
}
