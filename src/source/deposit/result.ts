import { closeSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DepositSite } from '../../config.ts'
import { foreignRead } from '../../system/foreign-file.ts'
import { releaseWords } from '../../words-release.ts'

/** The answer to who has only an FTP window. */
export type Answer = {
  /** Adds what has come of an upload. */
  readonly tell: (text: string) => void
  /**
   * Sets what the deposit waits for, above all else; null: for nothing. It does not stay: of an upload
   * with many files the next reason may come at once, and what has been told must not be pushed out.
   */
  readonly waits: (text: string | null) => void
}

/**
 * Opens the answer: a text file in the deposit that says, newest first, what became of the uploads. It
 * is never claimed, and a disk that is full does not hold anyone up. `time` is the time for people.
 */
export function openResult({ paths, config, disk }: DepositSite, time: () => string): Answer {
  const { resultFile, resultLines } = config.deposit
  if (resultFile === '') return { tell: () => undefined, waits: () => undefined }
  const path = join(paths.deposit, resultFile)
  const temporary = join(paths.deposit, temporaryName(resultFile))
  let lines: readonly string[] = linesOf(path)
  let waiting: readonly string[] = []

  function timed(text: string): readonly string[] {
    return text.split('\n').map((line) => `${time()}  ${line}`)
  }

  function write(): void {
    const all = [...waiting, ...lines].slice(0, resultLines)
    try {
      // The uploader may have put anything in its place: never through a link, nor into a pipe.
      if (disk.kind(paths.deposit) !== 'dir') return
      rmSync(temporary, { force: true })
      writeFileSync(temporary, `${releaseWords.resultHead}\n\n${all.join('\n')}\n`, { flag: 'wx' })
      renameSync(temporary, path)
    } catch {
      // The log has it all; the next answer is another try.
    }
  }

  return {
    tell(text) {
      lines = [...timed(text), ...lines].slice(0, resultLines)
      write()
    },
    waits(text) {
      if (text === null && waiting.length === 0) return
      waiting = text === null ? [] : timed(text)
      write()
    },
  }
}

/** True for the names this file uses itself. */
export function isResultName(path: string, resultFile: string): boolean {
  return resultFile !== '' && [resultFile, temporaryName(resultFile)].includes(path)
}

function temporaryName(resultFile: string): string {
  return `.in.${basename(resultFile)}`
}

/** The lines of the last session, below the head. */
function linesOf(path: string): string[] {
  try {
    return readStart(path)
      .split('\n')
      .filter((line) => /^\d{4}-\d\d-\d\d /.test(line))
  } catch {
    return []
  }
}

/** The start of a file, whatever the uploader has made of it: a link, a pipe, or much too long. */
function readStart(path: string): string {
  const file = openSync(path, foreignRead)
  try {
    const buffer = Buffer.alloc(1_000_000)
    return buffer.toString('utf8', 0, readSync(file, buffer))
  } finally {
    closeSync(file)
  }
}
