import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileOutlet, type Outlet } from '../../src/log/outlet.ts'
import { openSink, type Sink, type SinkLimits } from '../../src/log/sink.ts'
import { afterwards } from '../harness/cleanup.ts'
import { until } from '../harness/processes.ts'

const limits = (): SinkLimits => ({
  maxPendingBytes: 10_000,
  retryMs: 20,
  closeMs: 50,
  gatherMs: 1,
})
const lost = (lines: number) => `lost ${lines}\n`

function makeFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ota-'))
  afterwards(t, () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function outlet(path: string, flags: string): Outlet {
  return fileOutlet(openSync(path, flags))
}

/** A pipe with a name: its reader reads when the test says so. */
function makePipe(t: TestContext): { writer: Outlet; reader: number } {
  const path = join(makeFolder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  afterwards(t, () => closeSync(reader))
  return { reader, writer: outlet(path, 'w') }
}

/** All that can be read from a pipe just now. */
function readAll(reader: number): string {
  const buffer = Buffer.alloc(65_536)
  let text = ''
  try {
    for (let bytes = 1; bytes > 0; ) {
      bytes = readSync(reader, buffer)
      text += buffer.toString('latin1', 0, bytes)
    }
  } catch {
    // EAGAIN: empty.
  }
  return text
}

function writeLines(sink: Sink, from: number, to: number): void {
  for (let number = from; number < to; number += 1) sink.stream.write(`line ${number}\n`)
}

test('all lines reach the file, in order', async (t) => {
  const path = join(makeFolder(t), 'log')
  // A busy machine must not pass for a file that takes nothing.
  const patient = () => ({ ...limits(), closeMs: 60_000 })
  const sink = openSink(outlet(path, 'a'), patient, lost)
  for (let number = 0; number < 10_000; number += 1) {
    sink.stream.write(`line ${number}\n`)
    await sink.room()
  }
  await sink.close(1_000)
  const text = Array.from({ length: 10_000 }, (_, number) => `line ${number}\n`).join('')
  assert.equal(readFileSync(path, 'utf8'), text)
})

test('while nobody reads, a writer waits only so long; what is lost is counted and told', async (t) => {
  const { reader, writer } = makePipe(t)
  const sink = openSink(writer, limits, lost)
  writeLines(sink, 0, 60_000)
  await sink.room()
  let text = ''
  await until('the rest comes, and how much was lost', () => {
    text += readAll(reader)
    return /lost \d+\n$/.test(text)
  })
  const lines = text.split('\n').slice(0, -2)
  const missing = Number(/lost (\d+)\n$/.exec(text)?.[1])
  assert.deepEqual(
    lines,
    lines.map((_, number) => `line ${number}`),
  )
  assert.equal(lines.length + missing, 60_000)
  await sink.room()
  writeLines(sink, 60_000, 60_001)
  await until('it goes on', () => {
    text += readAll(reader)
    return text.endsWith('line 60000\n')
  })
  await sink.close(1_000)
})

test('a file that refuses holds nobody up, and its end does not wait for it', async () => {
  const sink = openSink(outlet('/dev/full', 'w'), limits, lost)
  writeLines(sink, 0, 5_000)
  await sink.room()
  await sink.room()
  await sink.close(50)
})
