import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { programSaying } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { type Connectors, makeConnectors } from '../harness/connectors.ts'
import { startDaemon } from '../harness/daemon.ts'
import { environmentsOf, pipSettings, slow } from '../harness/packages.ts'
import { ask } from '../harness/parent.ts'
import { readTree, type Tree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'
import { serveIndex } from '../harness/wheels.ts'

/** From the old tool to a night of the new one. */

const names = ['attic', 'cellar', 'garage', 'porch', 'roof', 'shed']

/** The user's services run these; a line of the crontab starts `shed`, and `cellar` somebody. */
const served = ['attic', 'garage', 'porch', 'roof']

test("a night's pass of the old layout", async (t) => {
  const layout = await makeConnectors(t, await makeFolder(t), names)
  const { dir, env, git, remotes } = layout
  await startsOf(layout)
  const migrated = await runSupervisor(['migrate', '--write'], dir, env)
  assert.equal(migrated.code, 0, migrated.stderr)
  const settings = join(dir, 'supervisor.toml')
  writeFileSync(settings, hastened(readFileSync(settings, 'utf8')))
  for (const name of names) await missedLastNight(join(dir, name))
  const before = await treesOf(dir)
  const heads = headsOf(layout)

  const index = await serveIndex(t, [{ name: 'widget', version: '1.0' }])
  const good = { 'client.py': programSaying('garage second'), gupfile: 'widget,1.0\n' }
  const commits = {
    garage: await layout.push('garage', good),
    cellar: await layout.push('cellar', { 'client.py': programSaying('cellar second') }),
    roof: await layout.push('roof', { 'client.py': 'def broken(:\n' }),
    shed: await layout.push('shed', { 'client.py': 'print("no")\nraise SystemExit(3)\n' }),
  }
  rmSync(remotes.get('porch')?.dir ?? '', { recursive: true })

  const away = await makeFolder(t)
  const { bin, orders } = await standInSystemctl(t)
  const daemon = await startDaemon(t, dir, {
    ...env,
    ...pipSettings(away, index.url),
    // What pip asks may leave something of its own there.
    HOME: away,
    PATH: `${bin}:${env['PATH']}`,
  })
  await Promise.all([
    daemon.says(/\[garage\] supervisor {2}r1: committed/, slow),
    daemon.says(/\[cellar\] supervisor {2}r1: committed/, slow),
    daemon.says(/\[roof\] supervisor {2}ERROR: r1: rejected: client\.py, line 1/, slow),
    daemon.says(/\[shed\] supervisor {2}ERROR: r1: rolled back: .*exit code 3/, slow),
    daemon.says(/\[porch\] supervisor {2}ERROR: git: /, slow),
    daemon.says(/\[attic\] supervisor {2}git: main is at/, slow),
  ])
  assert.deepEqual(orders(), ['--user restart garage.service'], 'nothing else has changed')

  const { projects } = (await ask(dir, 'status')).said
  const { said: history } = await ask(dir, 'history')
  const stood = names.map((name) => {
    const { program, release, last, git: seen } = projects[name]
    const ended = history[name].map((one: { result: string }) => one.result)
    return [name, program.state, release.id, last?.result ?? null, seen.found, ended]
  })
  assert.deepEqual(stood, [
    ['attic', 'ELSEWHERE', 'r0', null, 'current', []],
    ['cellar', 'ELSEWHERE', 'r1', 'committed', 'found', ['committed']],
    ['garage', 'ELSEWHERE', 'r1', 'committed', 'found', ['committed']],
    ['porch', 'ELSEWHERE', 'r0', null, 'failed', []],
    ['roof', 'ELSEWHERE', 'r0', 'rejected', 'found', ['rejected']],
    ['shed', 'RUNNING', 'r0', 'rolled-back', 'found', ['rolled-back']],
  ])
  for (const name of names) {
    const { schedule, nextAt } = projects[name].git
    assert.equal(schedule.expression, '0 2 * * *')
    assert.notEqual(schedule.lastRun.found, null, `${name} has had its run`)
    if (name !== 'porch') assert.equal(new Date(nextAt).getHours(), 2, `the next night: ${nextAt}`)
  }
  assert.equal(environmentsOf(join(dir, 'garage'))[0]?.packages.length, 1, 'the gupfile counts')

  assert.equal(await daemon.end(), 0, daemon.output())
  const { garage, cellar } = commits
  assert.deepEqual(headsOf(layout), { ...heads, garage, cellar })
  for (const name of names) assert.equal(git(name, 'status', '--porcelain'), '', name)
  const after = await treesOf(dir)
  const touched = Object.keys({ ...before, ...after }).filter((at) => before[at] !== after[at])
  assert.deepEqual(touched.toSorted(), ['cellar/client.py', 'garage/client.py', 'garage/gupfile'])
})

/** Writes what starts the connectors. */
async function startsOf({ dir, crontab }: Connectors): Promise<void> {
  const units = served.flatMap((name) => {
    const unit = `[Service]\nWorkingDirectory=${dir}/${name}\nExecStart=/usr/bin/python3 client.py\n`
    return [`${name}.service`, `default.target.wants/${name}.service`].map((path) => [path, unit])
  })
  await writeTree(join(dir, '.config/systemd/user'), Object.fromEntries(units))
  appendFileSync(crontab, `@reboot cd ${dir}/shed && python3 client.py &\n`)
}

/** The proposal, and what lets nothing wait for long; a remote that does not answer is not asked again. */
function hastened(proposal: string): string {
  const git = '[git]\nrandom_delay = "0s"\nclock_wait = "0s"\nretry = "1h"\n'
  assert.ok(proposal.includes('\n[git]\n'), proposal)
  return `${proposal.replace('[git]\n', git)}
[trial]
time = "20s"
[python]
min_free = "1MB"
`
}

/** The last run of the schedule was long ago: the one of last night was missed, and is made up for. */
async function missedLastNight(project: string): Promise<void> {
  const run = { schedule: '0 2 * * *', at: '2025-06-01T00:00:00.000Z', found: null, text: null }
  await writeTree(join(project, '.supervisor'), { 'last-run.json': JSON.stringify(run) })
}

/** A systemctl that only writes down what it is told. */
async function standInSystemctl(t: TestContext) {
  const bin = await makeFolder(t)
  const orders = join(bin, 'orders')
  await writeTree(bin, { systemctl: `#!/bin/sh\necho "$*" >> '${orders}'\n` })
  await chmod(join(bin, 'systemctl'), 0o755)
  const written = () => readFileSync(orders, 'utf8').trimEnd().split('\n')
  return { bin, orders: () => (existsSync(orders) ? written() : []) }
}

/** All files but those of git and of the daemon. */
async function treesOf(dir: string): Promise<Tree> {
  const files = Object.entries(await readTree(dir))
  return Object.fromEntries(
    files.filter(([path]) => !/(^|\/)(\.git|\.supervisor)\/|^logs\//.test(path)),
  )
}

function headsOf({ git }: Connectors): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, git(name, 'rev-parse', 'HEAD')]))
}
