import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan, Release, ReleaseId, Stage } from '../../src/model.ts'
import { type Tree, writeTree } from './project.ts'

/** A release under way, as a daemon that was killed has left it. */
export type LeftRelease = {
  readonly id: ReleaseId
  /** Without it there is no stage.json; a text is written as it is. */
  readonly stage?: Stage | string
  readonly plan?: Plan
  readonly staging?: Tree
  readonly old?: Tree
}

/** Puts it where the next daemon will find it. */
export async function leaveRelease(project: string, left: LeftRelease): Promise<void> {
  const dir = join(project, '.supervisor/releases', left.id)
  await mkdir(dir, { recursive: true })
  const { stage, plan } = left
  if (stage !== undefined) {
    const text = typeof stage === 'string' ? stage : JSON.stringify(stage)
    await writeFile(join(dir, 'stage.json'), text)
  }
  if (plan !== undefined) await writeFile(join(dir, 'plan.json'), JSON.stringify(plan))
  for (const part of ['staging', 'old'] as const) {
    const tree = left[part]
    if (tree === undefined) continue
    await mkdir(join(dir, part))
    await writeTree(join(dir, part), tree)
  }
}

/** What a release is called in its records. */
export function releaseOf(id: ReleaseId): Release {
  return { id, from: 'deposit', at: '2026-01-01T00:00:00.000Z', files: 2, bytes: 20 }
}
