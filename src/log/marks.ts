/** What marks a session in its files: the first words of each file, and of its last line. */

/** How the first line of a file begins. Sessions are numbered from 1, and so are the files of one. */
export function beginMark(session: number, part: number): string {
  return `session ${session}${part > 1 ? `, part ${part}` : ''}`
}

/** The number of the session that a first line tells; 0 when it tells none. */
export function sessionMarkedBy(text: string): number {
  return Number(/^session (\d+)\b/.exec(text)?.[1] ?? 0)
}

/** How the last line of a session begins. */
export function endMark(session: number): string {
  return `session ${session} ended`
}

/** True for the last line of a session that ended in order. */
export function isEndMarked(text: string): boolean {
  return /^session \d+ ended\b/.test(text)
}
