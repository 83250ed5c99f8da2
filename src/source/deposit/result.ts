import {
  closeSync,
  constants,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { Site } from '../../config.ts'
import { words } from '../../words.ts'

/**
 * Opens the answer to who has only an FTP window: a text file in the deposit that says, newest first,
 * what became of the uploads. It is never claimed, and a disk that is full does not hold anyone up.
 */
export function openResult({ paths, config }: Site): (time: string, text: string) => void {
  const { resultFile, resultLines } = config.deposit
  if (resultFile === '') return () => undefined
  const path = join(paths.deposit, resultFile)
  const temporary = join(paths.deposit, temporaryName(resultFile))
  let lines = linesOf(path)

  return (time, text) => {
    const added = text.split('\n').map((line) => `${time}  ${line}`)
    lines = [...added, ...lines].slice(0, resultLines)
    try {
      // The uploader may have put anything in its place: never through a link, nor into a pipe.
      rmSync(temporary, { force: true })
      writeFileSync(temporary, `${words.resultHead}\n\n${lines.join('\n')}\n`, { flag: 'wx' })
      renameSync(temporary, path)
    } catch {
      // The log has it all; the next answer is another try.
    }
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
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(1_000_000)
    return buffer.toString('utf8', 0, readSync(file, buffer))
  } finally {
    closeSync(file)
  }
}
