import { messageOf } from '../src/errors.ts'
import { readArguments } from './arguments.ts'
import type { Figure } from './figure.ts'
import { outputOf } from './launch.ts'
import { describeMachine } from './machine.ts'
import type { Bench, Curve, Findings, Measure, Size } from './measure.ts'
import { measures } from './measures.ts'
import { now } from './now.ts'
import type { Peer, Presence } from './peer.ts'
import { daemonIn } from './peers/ota-supervisor.ts'
import { peers } from './peers.ts'
import { openProgress } from './progress.ts'
import { installPeers } from './registry.ts'
import { headOf, type Results, writeResults } from './results.ts'
import { openStage, type Stage } from './stage.ts'
import { tableOf } from './table.ts'

/** Takes the measurements that were asked for; the answer is the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const asked = readArguments(args, measures)
  switch (asked.is) {
    case 'help':
      process.stdout.write(asked.text)
      return 0
    case 'wrong':
      console.error(`bench: ${asked.why}\nsee: npm run bench -- --help`)
      return 2
    case 'run': {
      const { names, size, beside, isFull } = asked
      const chosen = measures.filter(({ name }) => names.length === 0 || names.includes(name))
      const parties = beside === null ? peers : [...peers, daemonIn(beside, beside)]
      const keep = (results: Results) => writeResults(results, isFull)
      const written = await onStage((stage) => take(chosen, parties, size, stage, keep))
      for (const path of written) console.log(`written: ${path}`)
      return 0
    }
  }
}

/** Whatever happens, also a Ctrl-C, all that was started is ended and all that was made is removed. */
async function onStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await openStage()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void stage.close().finally(() => process.exit(130)))
  }
  try {
    return await work(stage)
  } finally {
    await stage.close()
  }
}

/** Takes them one after the other. After each one `keep` has all that is known so far. */
async function take(
  chosen: readonly Measure[],
  parties: readonly Peer[],
  size: Size,
  stage: Stage,
  keep: (results: Results) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const began = now()
  const { show, clear } = openProgress()
  show('installing peers from the npm registry')
  const remarks: string[] = []
  const trouble = await installPeers()
  if (trouble !== null) remarks.push(trouble)
  const found: { peer: Peer; presence: Presence }[] = []
  for (const peer of parties) found.push({ peer, presence: await peer.find() })
  const present = found.flatMap(({ peer, presence }) => (presence.is === 'there' ? [peer] : []))
  const at = new Date().toISOString()
  const about = { at, commit: await commit(), machine: await describeMachine(), size, peers: found }
  clear()
  console.log(`${headOf(about)}\n`)

  const figures: Figure[] = []
  const curves: Curve[] = []
  let written: readonly string[] = []
  for (const measure of chosen) {
    const progress = (text: string) => show(`${measure.name}: ${text}`)
    const findings = await tried(measure, { peers: present, stage, size, progress })
    clear()
    for (const figure of findings.figures) console.log(`${tableOf(figure)}\n`)
    for (const remark of findings.remarks) console.log(`note: ${measure.name}: ${remark}\n`)
    figures.push(...findings.figures)
    curves.push(...(findings.curves ?? []))
    remarks.push(...findings.remarks.map((text) => `${measure.name}: ${text}`))
    const minutes = Math.ceil((now() - began) / 60_000)
    written = await keep({ ...about, minutes, figures, curves, remarks })
  }
  return written
}

/** A measurement that fails is a remark: the others are still worth taking. */
async function tried(measure: Measure, bench: Bench): Promise<Findings> {
  try {
    return await measure.run(bench)
  } catch (error) {
    return { figures: [], remarks: [`failed: ${messageOf(error)}`] }
  }
}

async function commit(): Promise<string | null> {
  return outputOf('git', ['rev-parse', '--short', 'HEAD']).catch(() => null)
}

process.exitCode = await main(process.argv.slice(2))
