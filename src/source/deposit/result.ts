import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
      // Made anew: an uploader could have put a link to a file of ours in its place, or a pipe.
      rmSync(temporary, { force: true })
      const all = `${words.resultHead}\n\n${lines.join('\n')}\n`
      writeFileSync(temporary, all, { flag: 'wx' })
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

/** The longest file of the last session that is read, in bytes. */
const maxBytes = 1_000_000

/** The lines of the last session, below the head. */
function linesOf(path: string): string[] {
  try {
    // Anybody who uploads can put something else there: a link, a pipe, a file without end.
    const stat = lstatSync(path)
    if (!stat.isFile() || stat.size > maxBytes) return []
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => /^\d{4}-\d\d-\d\d /.test(line))
  } catch {
    return []
  }
}
