import assert from 'node:assert/strict'
import { mkdirSync, renameSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Daemon, startDaemon } from './daemon.ts'
import { until } from './processes.ts'
import {
  type Files,
  projectWith,
  readTree,
  type Settings,
  type Tree,
  writeTree,
} from './project.ts'
import { makeFolder } from './tools.ts'

/** A program that says that it is the new one. */
export const newProgram = `import time
print("the new one is up", flush=True)
while True:
    time.sleep(0.2)
`

/** A daemon that runs the good program, with an empty deposit. */
export async function startWithProgram(t: TestContext, settings: Settings = {}): Promise<Daemon> {
  const dir = await projectWith(t, 'good', settings)
  const daemon = await startDaemon(t, dir)
  await daemon.says(/r0 out +good is up/)
  return daemon
}

/** The tree to upload, in a folder of its own; the answer is that folder's `tree`. */
export async function makeUpload(t: TestContext, tree: Tree): Promise<string> {
  const upload = join(await makeFolder(t), 'tree')
  await writeTree(upload, tree)
  return upload
}

/** Puts files into the deposit by rename, faster than any quiet period however busy the machine is. */
export async function drop({ dir }: Daemon, files: Files): Promise<void> {
  const upload = join(dir, 'upload')
  await writeTree(upload, files)
  for (const path of Object.keys(files)) {
    mkdirSync(dirname(join(dir, 'deposit', path)), { recursive: true })
    renameSync(join(upload, path), join(dir, 'deposit', path))
  }
  await rm(upload, { recursive: true })
}

/** A line of the history. */
type Ended = { readonly id: string; readonly result: string; readonly files: number }

/** A project's history, oldest first. */
export async function readHistory(dir: string): Promise<Ended[]> {
  const text = await readFile(join(dir, '.supervisor/history.jsonl'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Ended)
}

/** The answer to the uploader: it stays in the deposit when all is claimed. */
export const result = 'DEPOSIT-RESULT.txt'

/** Waits until the uploader can read it. */
export function answers({ dir }: Daemon, text: RegExp): Promise<void> {
  return until(`${text} in ${result}`, async () => {
    return text.test(await readFile(join(dir, 'deposit', result), 'utf8').catch(() => ''))
  })
}

/**
 * Waits until nothing of an upload is left in the deposit. Folders go when no upload connection lives,
 * and that may be one of another test: the deadline is long.
 */
export function isEmptied({ dir }: Daemon): Promise<void> {
  return until(
    'a deposit with nothing but the answer',
    async () => {
      const names = await namesIn(join(dir, 'deposit'))
      return names.every((name) => name === result || name === `.in.${result}`)
    },
    60_000,
  )
}

/** Reads the files of the deposit that are not the daemon's own answer. */
export async function readDeposit({ dir }: Daemon): Promise<Tree> {
  const { [result]: _, [`.in.${result}`]: __, ...others } = await readTree(join(dir, 'deposit'))
  return others
}

/** All names below a folder. */
export async function namesIn(dir: string): Promise<string[]> {
  return (await readdir(dir, { recursive: true }).catch(() => [])).sort()
}

/** Deposits one more file and waits until it is in main. */
export async function isAlive(daemon: Daemon, id: string): Promise<void> {
  const name = `${id}.txt`
  await drop(daemon, { [name]: id })
  await daemon.says(new RegExp(`${id}: committed`))
  assert.equal((await readTree(join(daemon.dir, 'main')))[name], id)
}
