/** A version after semver.org, without build metadata: it becomes the name of a folder. */
const pattern = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?$/

/** True for a version such as `1.2.3` or `1.2.3-rc.1`. */
export function isVersion(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 60 && pattern.test(text)
}

/** Which of two versions is higher: above zero the first, below the second, zero for the same. semver.org, 11. */
export function compareVersions(one: string, other: string): number {
  const [numbers, early] = partsOf(one)
  const [otherNumbers, otherEarly] = partsOf(other)
  const byNumbers = firstDifference(numbers, otherNumbers)
  if (byNumbers !== 0) return byNumbers
  // `1.0.0-rc.1` comes before `1.0.0`.
  if (early.length === 0 || otherEarly.length === 0) return otherEarly.length - early.length
  return firstDifference(early, otherEarly)
}

function partsOf(version: string): [string[], string[]] {
  const [, major = '0', minor = '0', patch = '0', early] = pattern.exec(version) ?? []
  return [[major, minor, patch], early === undefined ? [] : early.split('.')]
}

function firstDifference(one: readonly string[], other: readonly string[]): number {
  const longest = one.length > other.length ? one : other
  const found = longest.findIndex((_, index) => one[index] !== other[index])
  return found < 0 ? 0 : compareParts(one[found], other[found])
}

/** A number comes before a word, and what is not there before all. */
function compareParts(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return one === undefined ? -1 : 1
  const areNumbers = [one, other].map((part) => /^\d+$/.test(part))
  if (areNumbers.every(Boolean)) return Number(one) - Number(other)
  if (areNumbers.some(Boolean)) return areNumbers[0] ? -1 : 1
  return one < other ? -1 : 1
}
