/** How much of a path a safe name tells, in bytes: each may take three, and some systems take 143 in all. */
const toldBytes = 40

/**
 * A path as one name that every file system can hold: the end of it, with all but letters, digits, `-`,
 * `_` and single dots as `%XX`. `number` makes it the only one of its name.
 */
export function safeName(raw: Buffer, number: number): string {
  const told = [...raw.subarray(Math.max(0, raw.length - toldBytes))]
  const text = told.map((byte, index) => (isSafe(byte, told[index + 1]) ? char(byte) : hex(byte)))
  return `${number}-${raw.length > toldBytes ? '~' : ''}${text.join('')}`
}

/** The path that a safe name tells, or the end of it behind `…`. */
export function pathOfSafeName(name: string): string {
  const bytes = name
    .replace(/^\d+-/, '')
    .replace(/^~/, '%E2%80%A6')
    .replace(/%([0-9A-F]{2})/g, (_, code: string) => char(Number.parseInt(code, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** A dot at the end is dropped by some file systems. */
function isSafe(byte: number, next: number | undefined): boolean {
  return /[A-Za-z0-9_-]/.test(char(byte)) || (char(byte) === '.' && next !== undefined)
}

function char(byte: number): string {
  return String.fromCharCode(byte)
}

function hex(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
