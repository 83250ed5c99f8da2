/** Tells a person how far the bench is. On a terminal the line replaces the last one. */
export function openProgress(): {
  readonly show: (text: string) => void
  readonly clear: () => void
} {
  const { stderr } = process
  if (!stderr.isTTY) return { show: () => undefined, clear: () => undefined }
  const wipe = '\r\x1b[K'
  return {
    show: (text) => stderr.write(wipe + text.slice(0, stderr.columns - 1)),
    clear: () => stderr.write(wipe),
  }
}
