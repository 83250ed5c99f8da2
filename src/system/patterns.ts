/** Makes a test of names: `*` is any text, everything else stands for itself. */
export function nameTest(pattern: string): (name: string) => boolean {
  const whole = new RegExp(`^${starred(pattern)}$`, 's')
  return (name) => whole.test(name)
}

/** A pattern in which `*` is any text, as the source of a regular expression. */
export function starred(pattern: string): string {
  return pattern.split('*').map(literal).join('.*')
}

/** The source of a regular expression that stands for just this text. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
