import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, ratioAim, rowOf, rowsAgainst } from '../figure.ts'
import type { Bench, Measure } from '../measure.ts'
import { now } from '../now.ts'
import type { Peer } from '../peer.ts'
import { otaSupervisor } from '../peers/ota-supervisor.ts'
import { peakMib, processorMs } from '../processes.ts'
import { printerOf } from '../program.ts'
import { takeTurns, valuesOf } from '../rounds.ts'
import type { Post } from '../stage.ts'

/** A program that has not got rid of its output within this is held up for good. */
const stuckMs = 60_000

/** A log that has not grown for this long gets no more. */
const stallMs = 20_000

/** What became of a program's output. */
type Carried = {
  readonly linesPerSecond: number
  /** Lines that are not there, or twice, or damaged. */
  readonly wrong: number
  readonly peakMib: number
  /** What all processes but the program have taken since their start. */
  readonly processorMs: number
}

/** A program that prints as much as it can; from its first line to the last line in the log. */
export const output: Measure = {
  name: 'output',
  about: 'lines of 100 bytes from the program to the log',
  async run(bench) {
    const peers = bench.peers.filter(({ name, carriesOutput }) => carriesOutput || name === 'floor')
    const figures: Figure[] = []
    for (const inBlocks of [true, false]) {
      const answers = await takeTurns(
        bench,
        bench.size.rounds,
        peers,
        ({ name }) => name,
        (peer) => carry(peer, inBlocks, bench),
      )
      figures.push(...figuresOf(answers, inBlocks, bench.size.lines))
    }
    return { figures, remarks: [] }
  },
}

function figuresOf(
  answers: ReadonlyMap<string, readonly Carried[]>,
  inBlocks: boolean,
  lines: number,
): Figure[] {
  const how = inBlocks ? 'written in blocks of 500' : 'printed one by one'
  const what = `${lines.toLocaleString('en')} lines, ${how}`
  const speed = rowsAgainst(
    valuesOf(answers, ({ linesPerSecond }) => linesPerSecond),
    otaSupervisor.name,
  )
  const wrong = rowsAgainst(
    valuesOf(answers, (carried) => carried.wrong),
    null,
  )
  const processor = rowsAgainst(
    valuesOf(answers, (carried) => carried.processorMs),
    null,
  )
  const memory = rowsAgainst(
    valuesOf(answers, (carried) => carried.peakMib),
    null,
  )
  return [
    {
      title: `${what}: to the log`,
      unit: 'lines/s',
      against: otaSupervisor.name,
      rows: speed,
      aim: {
        text: `pm2 and supervisord at most 1 × ${otaSupervisor.name}`,
        isMet: isFastest(speed),
      },
    },
    {
      title: `${what}: lost, doubled or damaged`,
      unit: 'lines',
      against: null,
      rows: wrong,
      aim: {
        text: 'ota-supervisor none',
        isMet: rowOf(wrong, otaSupervisor.name)?.values.every((value) => value === 0) ?? null,
      },
    },
    {
      title: `${what}: processor time of all processes but the program, with their start`,
      unit: 'ms',
      against: null,
      rows: processor,
      aim: null,
    },
    {
      title: `${what}: the most memory of all processes but the program`,
      unit: 'MiB',
      against: null,
      rows: memory,
      aim: null,
    },
  ]
}

/** Starts a peer anew on a program that prints, and waits until all of it is in the log. */
async function carry(peer: Peer, inBlocks: boolean, bench: Bench): Promise<Carried> {
  const { lines } = bench.size
  const post = await bench.stage.open(peer, await printerOf(lines, inBlocks), false)
  try {
    await printed(post)
    const endsAt = await logComplete(post.running.logs, lines)
    const first = post.reports.all().find(({ what }) => what === 'start')
    const ms = endsAt - (first?.at ?? Number.NaN)
    const [peak, busyMs] = [peakMib(post.processes()), processorMs(post.processes())]
    const wrong = await wrongLines(await post.running.logs(), lines)
    return { linesPerSecond: (lines / ms) * 1000, wrong, peakMib: peak, processorMs: busyMs }
  } finally {
    await post.close()
  }
}

/** Waits until the program has got rid of all: to look at the logs meanwhile would hold up most who writes many files. */
async function printed({ reports }: Post): Promise<void> {
  const deadline = now() + stuckMs
  while (now() < deadline && !reports.all().some(({ what }) => what === 'ready')) await sleep(20)
}

/** When the log had the last line, or stopped growing. */
async function logComplete(logs: () => Promise<readonly string[]>, lines: number): Promise<number> {
  const last = textOf(lines - 1)
  let grewAt = now()
  let before = ''
  for (;;) {
    const ends = await Promise.all((await logs()).map(endOf))
    if (ends.some(({ text }) => text.includes(last))) return now()
    const sizes = ends.map(({ size }) => size).join()
    if (sizes !== before) grewAt = now()
    if (now() - grewAt > stallMs) return grewAt
    before = sizes
    await sleep(2)
  }
}

/** The size of a file, and its last kilobyte. */
async function endOf(path: string): Promise<{ readonly size: number; readonly text: string }> {
  const file = await open(path).catch(() => null)
  if (file === null) return { size: 0, text: '' }
  const { size } = await file.stat()
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(1024),
    0,
    1024,
    Math.max(0, size - 1024),
  )
  await file.close()
  return { size, text: buffer.toString('latin1', 0, bytesRead) }
}

/** How many of the lines are not there exactly once, whatever a log writes in front of them. */
async function wrongLines(paths: readonly string[], lines: number): Promise<number> {
  const counts = new Uint8Array(lines)
  let damaged = 0
  for (const path of paths) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const at = line.length - textOf(0).length
      if (!line.includes('xxx')) continue
      const number = Number(line.slice(at, at + 7))
      if (at >= 0 && line.slice(at) === textOf(number) && number < lines) {
        counts[number] = Math.min(255, (counts[number] ?? 0) + 1)
      } else {
        damaged += 1
      }
    }
  }
  return counts.reduce((sum, count) => sum + Math.abs(count - 1), 0) + damaged
}

function textOf(number: number): string {
  return `${String(number).padStart(7, '0')} ${'x'.repeat(91)}`
}

function isFastest(rows: Figure['rows']): boolean | null {
  const aims = ['pm2', 'supervisord'].map(
    (who) => ratioAim(rowOf(rows, who), 1, who)?.isMet ?? null,
  )
  if (aims.every((isMet) => isMet === null)) return null
  return aims.every((isMet) => isMet !== false)
}
