/** The line, from 1, in which a key or the head of a section is written; null where it cannot be told. */
export type LineOf = (path: readonly string[]) => number | null

/**
 * Finds the lines of the keys in a TOML text, which its parser does not tell. The text has been parsed:
 * it is TOML. Keys in inline tables and in arrays of tables are not found: `lineNear` is for them.
 */
export function linesOf(text: string): LineOf {
  const found = new Map<string, number>()
  for (const { path, line } of keysIn(text)) {
    // The parents of a dotted key are written where the first of their children is.
    for (let end = 1; end <= Math.min(path.length, deepest); end += 1) {
      const key = keyOf(path.slice(0, end))
      if (!found.has(key)) found.set(key, line)
    }
  }
  return (path) => found.get(keyOf(path)) ?? null
}

/** The line of a key; of what lies in a list or an inline table, the line in which that begins. */
export function lineNear(path: readonly string[], lineOf: LineOf): number | null {
  if (path.length === 0) return null
  return lineOf(path) ?? lineNear(path.slice(0, -1), lineOf)
}

/** Settings lie in sections, variables in a table of one, and sections in the table of a project. */
const deepest = 5

function keyOf(path: readonly string[]): string {
  return path.join('\0')
}

/** All keys and heads with their sections. Of an array of tables there are the heads only. */
function* keysIn(text: string): Generator<{ readonly path: string[]; readonly line: number }> {
  let section: readonly string[] | null = []
  for (const { at, line } of statements(text)) {
    const { brackets, path } = readKey(text, at)
    if (path.length === 0) continue
    if (brackets !== '') section = []
    if (section === null) continue
    yield { path: [...section, ...path], line }
    if (brackets !== '') section = brackets === '[' ? path : null
  }
}

/** Where keys, heads, comments and empty lines begin. */
function* statements(text: string): Generator<{ readonly at: number; readonly line: number }> {
  let line = 1
  let at = 0
  while (at < text.length) {
    yield { at, line }
    const end = endOfStatement(text, at)
    line += text.slice(at, end).split('\n').length - 1
    at = end
  }
}

/** Strings and comments as a whole, signs that matter one by one, and all that lies between them. */
const token =
  /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[^"'#[\]{}\n]+|[\s\S]/y

/** Behind the first line end that is in no string, list or table. */
function endOfStatement(text: string, from: number): number {
  let depth = 0
  token.lastIndex = from
  while (token.lastIndex < text.length) {
    const [sign = ''] = token.exec(text) ?? []
    if (sign === '\n' && depth === 0) break
    if (sign === '[' || sign === '{') depth += 1
    if (sign === ']' || sign === '}') depth -= 1
  }
  return token.lastIndex
}

/** Reads the key, such as `a` or `"a b".c`, or the head, that begins here; there may be none. */
function readKey(
  text: string,
  from: number,
): { readonly brackets: string; readonly path: string[] } {
  const begin = /[ \t]*(\[{0,2})/y
  const part = /[ \t]*(?:("(?:[^"\\\n]|\\.)*")|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*(\.?)/y
  begin.lastIndex = from
  const [, brackets = ''] = begin.exec(text) ?? []
  const path: string[] = []
  part.lastIndex = begin.lastIndex
  for (let found = part.exec(text); found !== null; found = part.exec(text)) {
    const [, quoted, literal, bare, dot] = found
    path.push(quoted === undefined ? (literal ?? bare ?? '') : unquoted(quoted))
    if (dot === '') break
  }
  return { brackets, path }
}

/** What the parser calls it. JSON knows all escapes of TOML but `\U` and `\e`; those are not found. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}
