import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { now } from './now.ts'
import type { Tree, Upload } from './peer.ts'

/** The program in one version: `main.py`, and `modules` modules beside it that carry the version too. */
export async function programOf(version: number, modules = 0): Promise<Tree> {
  const main = await source('main.py', { VERSION: version, MODULES: modules })
  const part = await source('part.py', { VERSION: version })
  const tree = new Map([['main.py', main]])
  for (let number = 0; number < modules; number += 1) {
    tree.set(`part_${String(number).padStart(3, '0')}.py`, part)
  }
  return tree
}

/** A program that prints lines of 100 bytes, each with its number. */
export async function printerOf(lines: number, inBlocks: boolean): Promise<Tree> {
  const main = await source('prints.py', { LINES: lines, IN_BLOCKS: inBlocks ? 1 : 0 })
  return new Map([['main.py', main]])
}

/** Python files, 100 to a folder, that the program never imports. */
export async function unusedModules(files: number, version: number): Promise<Tree> {
  const part = await source('part.py', { VERSION: version })
  const numbers = Array.from({ length: files }, (_, number) => number)
  return new Map(numbers.map((number) => [`lib/${Math.floor(number / 100)}/${number}.py`, part]))
}

/**
 * One of the programs of the bench, with its constants set. Python takes bytecode for current when
 * size and whole second of its source are as before, so sources of different versions differ in size.
 */
async function source(name: string, constants: Readonly<Record<string, number>>): Promise<string> {
  const path = fileURLToPath(new URL(`../../bench/programs/${name}`, import.meta.url))
  let text = await readFile(path, 'utf8')
  for (const [constant, value] of Object.entries(constants)) {
    text = text.replace(`\n${constant} = 0\n`, `\n${constant} = ${value}\n`)
  }
  return `${text}#${'-'.repeat((constants['VERSION'] ?? 0) % 50)}\n`
}

/** Writes the files one after the other, each in place, as fast as the disk takes them. */
export const copied: Upload = (files, into) => write(files, into, 0)

/** Writes the files one after the other, one each 2 ms: an upload by SFTP over a good network. */
export const sent: Upload = (files, into) => write(files, into, 2)

async function write(files: Tree, into: string, eachMs: number): Promise<number> {
  const began = now()
  const folders = new Set<string>()
  let count = 0
  let lastAt = began
  for (const [path, text] of files) {
    const place = join(into, path)
    const folder = dirname(place)
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true })
    folders.add(folder)
    writeFileSync(place, text)
    lastAt = now()
    count += 1
    const ahead = began + count * eachMs - lastAt
    // Now and then also without a pace: the peers' own messages are waiting to be read.
    if (ahead > 1 || count % 500 === 0) await sleep(Math.max(0, ahead))
  }
  return lastAt
}

/** Small data files below a folder, 1,000 to a folder; each version has other contents. */
export function dataFiles(files: number, folder: string, version: number): Tree {
  const tree = new Map<string, string>()
  for (let number = 0; number < files; number += 1) {
    const name = `${folder}/${String(Math.floor(number / 1000)).padStart(3, '0')}/${number}.txt`
    tree.set(name, `${version} ${number}\n`.repeat(20))
  }
  return tree
}
