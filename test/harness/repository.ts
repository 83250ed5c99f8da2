import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { cleanEnvironment } from './daemon.ts'
import type { Tree } from './project.ts'
import { makeFolder } from './tools.ts'

/** A bare git repository with a work tree aside, as somebody who develops has them. */
export type Repository = {
  /** The bare repository, absolute: `ROOT/NAME.git`. */
  readonly dir: string
  /** The work tree, absolute: what is made there is in the next commit. */
  readonly tree: string
  /** Writes files, removes those that are null, and commits all; the answer is the commit. */
  readonly commit: (files: Readonly<Record<string, string | null>>) => Promise<string>
  /** Runs git in it, as an author; the answer is what it prints, trimmed. Fails as git does. */
  readonly git: (...args: readonly string[]) => string
}

/** Makes `NAME.git` in a folder, with these files in the first commit of its branch `main`. */
export async function makeRepository(
  t: TestContext,
  root: string,
  name: string,
  files: Tree,
): Promise<Repository> {
  const dir = join(root, `${name}.git`)
  const tree = await makeFolder(t)
  const git = (...args: readonly string[]) =>
    execFileSync('git', [`--git-dir=${dir}`, `--work-tree=${tree}`, ...author, ...args], {
      cwd: tree,
      env: { ...cleanEnvironment(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', dir], { env: cleanEnvironment() })
  const commit: Repository['commit'] = async (changes) => {
    for (const [path, text] of Object.entries(changes)) {
      const place = join(tree, path)
      await mkdir(dirname(place), { recursive: true })
      await (text === null ? rm(place, { recursive: true }) : writeFile(place, text))
    }
    git('add', '-A')
    git('commit', '-q', '--allow-empty', '-m', 'a change')
    return git('rev-parse', 'HEAD')
  }
  await commit(files)
  return { dir, tree, commit, git }
}

const author = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'commit.gpgsign=false']
