import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'

/**
 * The trace of a bug, with places in the sources: the build puts many of them into one file. Maps are
 * read only here: to load them at the start costs time and memory in each run that has no bug. A place
 * without a map stays as it is. Never throws.
 */
export function traceOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const maps = new Map<string, SourceMap | null>()
  return stack.replace(/(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g, (place, file, line, column) => {
    const map = maps.get(file) ?? readMap(file)
    maps.set(file, map)
    const found = map?.findEntry(Number(line) - 1, Number(column) - 1)
    if (found === undefined || !('originalSource' in found)) return place
    const source = found.originalSource.replace(/^(\.\.?\/)+/, '')
    return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`
  })
}

function readMap(file: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')))
  } catch {
    return null
  }
}
