import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperationalError } from '../../src/errors.ts'
import { type Disk, disk } from '../../src/system/disk.ts'

/** The power is gone. It has no system code, so that the product cannot take it for a failure it expects. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/** The real disk, whose changing verbs are counted and can be made to fail. */
export type WatchedDisk = {
  readonly disk: Disk
  /** How many changing verbs were asked of it. */
  readonly steps: () => number
}

/** The real disk until its power fails. */
export type DyingDisk = WatchedDisk & {
  /** True when its last verb was left half done. */
  readonly isTorn: () => boolean
}

/**
 * `clean`: the verb it dies at has not begun. `torn`: it has done a part of its work: half of a text
 * is written, one of several files is removed.
 */
export type Cut = 'clean' | 'torn'

const changing = [
  'rename',
  'makeDir',
  'removeEmptyDir',
  'unlink',
  'pointTo',
  'touch',
  'removeTree',
  'move',
  'give',
  'letThrough',
  'copy',
  'reserve',
  'writeDraft',
  'writeRecord',
  'replaceText',
  'lead',
  'append',
  'syncTree',
  'syncAll',
] as const satisfies (keyof Disk)[]

type Changing = (typeof changing)[number]

/**
 * A disk that dies at its n-th changing verb (from 1) and stays dead: that verb and all after it
 * throw a `PowerCut`. Looking still works: code that only looks can do no harm any more.
 */
export function dyingDisk(step: number, cut: Cut = 'clean'): DyingDisk {
  let isTorn = false
  const watched = watchedDisk((now, verb, args) => {
    if (now === step && cut === 'torn') isTorn = lastBreath(verb, args)
    if (now >= step) throw new PowerCut(`at step ${now}, ${verb} ${args[0]}`)
  })
  return { ...watched, isTorn: () => isTorn }
}

/** A disk that is full at its n-th changing verb (from 1), and has space again at the next. */
export function fullDisk(step: number): WatchedDisk {
  return watchedDisk((now, verb, args) => {
    if (now !== step) return
    throw new OperationalError(`no space at step ${now}, ${verb} ${args[0]}`, { code: 'ENOSPC' })
  })
}

/** Calls `before` ahead of each changing verb; what it throws comes instead of the verb. */
function watchedDisk(
  before: (step: number, verb: Changing, args: readonly unknown[]) => void,
): WatchedDisk {
  let steps = 0
  const proxy = new Proxy(disk, {
    get(target, name: keyof Disk) {
      if (!isChanging(name)) return target[name]
      return (...args: unknown[]) => {
        steps += 1
        before(steps, name, args)
        // These cuts end a process, not the machine: making things durable would only cost time.
        if (name === 'syncTree' || name === 'syncAll') return Promise.resolve()
        return (target[name] as (...given: unknown[]) => unknown)(...args)
      }
    },
  })
  return { disk: proxy, steps: () => steps }
}

function isChanging(name: keyof Disk): name is Changing {
  return (changing as readonly string[]).includes(name)
}

/**
 * Does what is left of a verb that the power failed in; false if nothing is. A verb that is a single
 * system call is done or is not.
 */
function lastBreath(verb: Changing, [first, second]: readonly unknown[]): boolean {
  const path = String(first)
  switch (verb) {
    case 'writeDraft':
      writeFileSync(path, half(JSON.stringify(second, null, 1)))
      return true
    case 'writeRecord':
      writeFileSync(`${path}.new`, half(JSON.stringify(second, null, 1)))
      return true
    case 'replaceText':
      writeFileSync(`${path}.new`, half(String(second)))
      return true
    case 'lead':
      symlinkSync(String(second), `${path}.new`)
      return true
    case 'append':
      writeFileSync(path, half(String(second)), { flag: 'a' })
      return true
    case 'copy':
      writeFileSync(String(second), '')
      return true
    case 'reserve':
      writeFileSync(path, '')
      return true
    case 'makeDir':
      return makeFirstMissing(path)
    case 'removeTree':
      return removeOneFile(path)
    case 'move':
      return copyHalf(path, String(second))
    case 'rename':
    case 'removeEmptyDir':
    case 'unlink':
    case 'pointTo':
    case 'touch':
    case 'give':
    case 'letThrough':
    case 'syncTree':
    case 'syncAll':
      return false
  }
}

function half(text: string): string {
  return text.slice(0, text.length / 2)
}

/** False when that would be all of the work. */
function makeFirstMissing(path: string): boolean {
  const parent = dirname(path)
  if (disk.kind(parent) !== null) return false
  if (!makeFirstMissing(parent)) mkdirSync(parent)
  return true
}

function removeOneFile(path: string): boolean {
  if (disk.kind(path) !== 'dir') return false
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const file = entries.find((entry) => !entry.isDirectory())
  if (file === undefined) return false
  rmSync(join(file.parentPath, file.name))
  return true
}

/** Within one file system a move is a rename, and cannot be torn. */
function copyHalf(from: string, to: string): boolean {
  if (disk.fileSystemOf(from) === disk.fileSystemOf(dirname(to))) return false
  writeFileSync(`${to}.ota-new`, 'half of it')
  return true
}
