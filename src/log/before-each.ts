import { code } from './before-each-code.ts'

/**
 * `lines` with `start` (ASCII) before each of them, and a line end behind the last if it has none. The answer is
 * good until the next call. Null where that has to be done otherwise: not all of it is what most programs print, which
 * is ASCII without control characters but tab and line end, or it is more than some 256 KiB, or than 2.7 MiB with all starts.
 */
export function beforeEach(start: string, lines: Buffer): Buffer | null {
  machine ??= openMachine()
  if (machine === 'none' || lines.length > mostBytes || start.length > inputAt) return null
  const { memory, run } = machine
  memory.write(start, 'latin1')
  memory.set(lines, inputAt)
  let end = inputAt + lines.length
  if (lines.at(-1) !== newline) {
    memory[end] = newline
    end += 1
  }
  const until = run(0, start.length, inputAt, end, answerAt, memory.length)
  return until < 0 ? null : memory.subarray(answerAt, until)
}

const newline = 0x0a

/** What before-each.wat exports. */
type Exports = {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly beforeEach: (
    start: number,
    width: number,
    from: number,
    end: number,
    out: number,
    room: number,
  ) => number
}

/** Node has it; its types do not. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** The compiled before-each.wat with its memory. */
type Machine = { readonly memory: Buffer; readonly run: Exports['beforeEach'] }

/** Where the lines lie in that memory, and where their answer: before them there is `start`. */
const [inputAt, answerAt] = [1_024, 263_168]

/** So many bytes fit between, with a line end and the 8 bytes that are read at once. */
const mostBytes = answerAt - inputAt - 9

/** Made for the first line: a daemon's verbs need none. */
let machine: Machine | 'none' | null = null

function openMachine(): Machine | 'none' {
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(code, 'base64')))
    const { memory, beforeEach: run } = instance.exports as Exports
    return { memory: Buffer.from(memory.buffer), run }
  } catch {
    // It wants gigabytes of addresses, which a limit may refuse (ulimit -v).
    return 'none'
  }
}
