import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { Finding } from '../../src/doctor/finding.ts'
import { type Done, runSupervisor } from './command.ts'
import { makeProject, putProgram, type Settings } from './project.ts'

/** Settings with which a busy machine does not decide what `doctor` finds. */
export const patience = { doctor: { check: '15s' } }

/** A whole project, of a user if one is named, with a main.py. */
export async function wholeProject(
  t: TestContext,
  owner?: number,
  settings: Settings = {},
): Promise<string> {
  const dir = await makeProject(t, { ...patience, ...settings })
  for (const name of ['deposit', 'main', 'logs', '.supervisor']) await mkdir(join(dir, name))
  await putProgram('good', join(dir, 'main'))
  if (owner !== undefined) await run('chown', ['-R', `${owner}:${owner}`, dir])
  return dir
}

/** Runs a command to its end; fails when it does. */
export const run = promisify(execFile)

/** Pastes a line into a shell, as a person would. */
export async function paste(line: string | undefined): Promise<void> {
  assert.ok(line !== undefined, 'there must be a line to paste')
  await run('sh', ['-c', line])
}

/** What `doctor` found. */
export type Examined = Done & { readonly findings: readonly Finding[] }

/** Runs `doctor --json` in a folder, as another user if one is named. */
export async function doctor(
  dir: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  uid?: number,
): Promise<Examined> {
  const done = await runSupervisor(['doctor', '--json', ...args], dir, env, uid)
  assert.equal(done.stderr, '')
  return { ...done, findings: JSON.parse(done.stdout) as Finding[] }
}

/** The one finding of a check. */
export function findingOf({ findings }: Examined, check: string): Finding {
  const [found, ...others] = findings.filter((finding) => finding.check === check)
  assert.ok(found !== undefined, `no ${check} among ${findings.map((f) => f.check).join(' ')}`)
  assert.deepEqual(others, [])
  return found
}

/** The findings that make its exit code 1. */
export function errorsOf({ findings }: Examined): readonly Finding[] {
  return findings.filter(({ state }) => state === 'error')
}
