/** How much of the end of stderr is kept for a run, in bytes: a traceback's end fits. */
const keptBytes = 4_096

/** The longest that is told of it, in characters. */
const toldLength = 300

/** The end of what a run has written to stderr. */
export type Tail = {
  readonly add: (bytes: Buffer) => void
  readonly text: () => string
}

/** Keeps the last 4 KiB of what is added. */
export function openTail(): Tail {
  let kept: Buffer = Buffer.alloc(0)
  return {
    add(bytes) {
      const all = bytes.length >= keptBytes ? bytes : Buffer.concat([kept, bytes])
      // A copy: a slice would keep all of a large piece alive.
      kept = Buffer.from(all.subarray(-keptBytes))
    },
    text: () => kept.toString('utf8'),
  }
}

/**
 * What a program said last, in one line: of a Python traceback the error, and the last place that lies
 * in `main` (absolute), or else in any file. Null when it said nothing.
 */
export function lastWordsIn(stderr: string, main: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trimEnd())
  const last = lines.findLast((line) => line !== '')
  if (last === undefined) return null
  const told = last.trim().slice(0, toldLength)
  const from = lines.lastIndexOf('Traceback (most recent call last):')
  const places = lines.slice(Math.max(from, 0)).flatMap(placeIn)
  const place = places.findLast(({ path }) => path.startsWith(`${main}/`)) ?? places.at(-1)
  if (place === undefined) return told
  const path = place.path.startsWith(`${main}/`) ? place.path.slice(main.length + 1) : place.path
  return `${told} (${path}, line ${place.line})`
}

/** The place that a line of a traceback names. */
function placeIn(line: string): { readonly path: string; readonly line: string }[] {
  const [, path, number] = /^ {2}File "(.+)", line (\d+)/.exec(line) ?? []
  return path === undefined || number === undefined ? [] : [{ path, line: number }]
}
