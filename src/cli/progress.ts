import type { Clock } from '../model.ts'

/** Makes of how far it is the text that shows it on a terminal; `''`: nothing new is shown yet. */
export type Progress = (text: string, isLast: boolean) => string

/** What is shown in one line, again and again, of a work that takes longer than a second. */
export function openProgress({ now }: Pick<Clock, 'now'>): Progress {
  const began = now()
  let shownAt = -Infinity
  return (text, isLast) => {
    const at = now()
    const isDue = at - began >= firstMs && at - shownAt >= againMs
    // A line that has been begun is ended, however soon the last step comes.
    if (!isDue && !(isLast && shownAt >= began)) return ''
    shownAt = at
    return `\r${text}${isLast ? '\n' : ''}`
  }
}

const firstMs = 1_000
const againMs = 200
