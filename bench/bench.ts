import { messageOf } from '../src/errors.ts'
import { readArguments } from './arguments.ts'
import type { Figure } from './figure.ts'
import { outputOf } from './launch.ts'
import { describeMachine } from './machine.ts'
import type { Curve, Measure, Size } from './measure.ts'
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
      const results = await onStage((stage) =>
        take(chosen, beside === null ? peers : [...peers, daemonIn(beside, beside)], size, stage),
      )
      for (const path of await writeResults(results, isFull)) console.log(`written: ${path}`)
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

async function take(
  chosen: readonly Measure[],
  parties: readonly Peer[],
  size: Size,
  stage: Stage,
): Promise<Results> {
  const began = now()
  const at = new Date().toISOString()
  const machine = await describeMachine()
  const { show, clear } = openProgress()
  show('installing peers from the npm registry')
  const remarks: string[] = []
  const trouble = await installPeers()
  if (trouble !== null) remarks.push(trouble)
  const found: { peer: Peer; presence: Presence }[] = []
  for (const peer of parties) found.push({ peer, presence: await peer.find() })
  const present = found.flatMap(({ peer, presence }) => (presence.is === 'there' ? [peer] : []))
  clear()
  console.log(`${headOf({ at, commit: await commit(), machine, size, peers: found })}\n`)

  const figures: Figure[] = []
  const curves: Curve[] = []
  for (const measure of chosen) {
    const progress = (text: string) => show(`${measure.name}: ${text}`)
    try {
      const findings = await measure.run({ peers: present, stage, size, progress })
      clear()
      for (const figure of findings.figures) console.log(`${tableOf(figure)}\n`)
      for (const remark of findings.remarks) console.log(`note: ${measure.name}: ${remark}\n`)
      figures.push(...findings.figures)
      curves.push(...(findings.curves ?? []))
      remarks.push(...findings.remarks.map((text) => `${measure.name}: ${text}`))
    } catch (error) {
      clear()
      console.log(`note: ${measure.name} failed: ${messageOf(error)}\n`)
      remarks.push(`${measure.name} failed: ${messageOf(error)}`)
    }
  }
  const minutes = Math.ceil((now() - began) / 60_000)
  return {
    at,
    commit: await commit(),
    machine,
    minutes,
    size,
    peers: found,
    figures,
    curves,
    remarks,
  }
}

async function commit(): Promise<string | null> {
  return outputOf('git', ['rev-parse', '--short', 'HEAD']).catch(() => null)
}

process.exitCode = await main(process.argv.slice(2))
