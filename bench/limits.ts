import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { now } from './now.ts'
import type { Stage } from './stage.ts'

/**
 * What the disk alone takes for what ota-supervisor promises, in the barest way there is: nothing that keeps
 * the promise can be faster.
 */

/** A function that writes so many small records, each durable before the next is begun, and says how many ms that took. */
export async function recordTimer(records: number, stage: Stage): Promise<() => number> {
  const folder = await stage.folder()
  return () => {
    const began = now()
    for (let number = 0; number < records; number += 1) {
      const file = openSync(join(folder, 'record.new'), 'w')
      writeFileSync(file, `{ "stage": ${number} }\n`)
      fdatasyncSync(file)
      closeSync(file)
      renameSync(join(folder, 'record.new'), join(folder, 'record'))
      const names = openSync(folder, 'r')
      fsyncSync(names)
      closeSync(names)
    }
    return now() - began
  }
}

/** A function that puts so many files aside and others in their place, two renames each, and says how many ms that took. */
export async function renameTimer(files: number, stage: Stage): Promise<() => Promise<number>> {
  const names = Array.from({ length: files }, (_, number) => `file-${number}`)
  return async () => {
    const folder = await stage.folder()
    for (const place of ['main', 'new', 'old']) mkdirSync(join(folder, place))
    for (const name of names) {
      writeFileSync(join(folder, 'main', name), '')
      writeFileSync(join(folder, 'new', name), '')
    }
    const began = now()
    for (const name of names) {
      renameSync(`${folder}/main/${name}`, `${folder}/old/${name}`)
      renameSync(`${folder}/new/${name}`, `${folder}/main/${name}`)
    }
    return now() - began
  }
}
