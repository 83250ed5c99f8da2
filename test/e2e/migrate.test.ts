import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse as parseToml } from 'smol-toml'
import { gitIn } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { type Connectors, makeConnectors, updaterLine } from '../harness/connectors.ts'
import { readTree, writeTree } from '../harness/project.ts'
import { makeFolder } from '../harness/tools.ts'

/** `migrate`, on layouts as the README of client-connector-updater shows them. */

type Answer = {
  readonly connectors: readonly { readonly folder: string; readonly entry: string | null }[]
  readonly troubles: readonly { readonly folder: string; readonly why: string }[]
  readonly steps: readonly { readonly text: string; readonly command: string | null }[]
  readonly 'supervisor.toml': string
}

/** Tables without the parser's own prototype. */
function parse(text: string): Record<string, object> {
  return JSON.parse(JSON.stringify(parseToml(text)))
}

async function layoutOf(t: TestContext, ...names: readonly string[]): Promise<Connectors> {
  return makeConnectors(t, await makeFolder(t), names)
}

async function ask({ dir, env }: Connectors, ...args: readonly string[]): Promise<Answer> {
  const done = await runSupervisor(['migrate', '--json', ...args], dir, env)
  assert.equal(done.code, 0, done.stderr)
  return JSON.parse(done.stdout) as Answer
}

test('a layout becomes a supervisor.toml, and nothing is changed but on request', async (t) => {
  const layout = await layoutOf(t, 'garage', 'roof')
  const { dir, env, crontab } = layout
  const before = await readTree(dir)
  const shown = await runSupervisor(['migrate'], dir, env)
  assert.equal(shown.code, 0, shown.stderr)
  assert.ok(shown.stdout.includes(`#   ${updaterLine(dir)}\n`), shown.stdout)
  assert.deepEqual(parse(shown.stdout), {
    discover: { gupfiles: true },
    git: { schedule: '0 2 * * *' },
    program: { after_update: 'nothing' },
  })
  assert.match(shown.stdout, /# entry = "client\.py"/)
  assert.doesNotMatch(shown.stderr, /To be put right/)
  assert.deepEqual(await readTree(dir), before)

  const { steps } = await ask(layout)
  const [, remove] = steps.map(({ command }) => command)
  execFileSync('sh', ['-c', remove ?? ''], { env })
  assert.equal(readFileSync(crontab, 'utf8'), 'MAILTO=me\n5 4 * * * true # another\n')

  const written = await runSupervisor(['migrate', '--write', '--keep-environments'], dir, env)
  assert.equal(written.code, 0, written.stderr)
  const path = join(dir, 'supervisor.toml')
  const text = readFileSync(path, 'utf8')
  const { projects } = parse(text)
  assert.deepEqual(projects, {
    garage: { python: { venv: '../.pyenv/garage' } },
    roof: { python: { venv: '../.pyenv/roof' } },
  })
  rmSync(path)
  assert.deepEqual(await readTree(dir), before, 'nothing else was written')

  writeFileSync(path, '# mine\n')
  const again = await runSupervisor(['migrate', '--write'], dir, env)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is there already, and is never overwritten\n {2}move it away/)
  assert.equal(readFileSync(path, 'utf8'), '# mine\n')
})

test('what starts the connectors is found', async (t) => {
  const layout = await layoutOf(t, 'garage', 'roof', 'shed')
  const { dir, crontab } = layout
  appendFileSync(crontab, `@reboot cd ${dir}/shed && ../.pyenv/shed/bin/python client.py -v &\n`)
  const service = `[Service]\nWorkingDirectory=${dir}/%i\nExecStart=/usr/bin/python3 client.py\n`
  const wanted = 'default.target.wants/connector@roof.service'
  await writeTree(join(dir, '.config/systemd/user'), {
    'connector@.service': service,
    [wanted]: service,
  })
  const { 'supervisor.toml': text, steps } = await ask(layout)
  const { projects } = parse(text)
  const uid = process.getuid?.() ?? 0
  const restart = ['systemctl', '--user', 'restart', 'connector@roof.service']
  assert.deepEqual(projects, {
    garage: { program: { after_update: 'nothing' } },
    roof: { program: { after_update: ['env', `XDG_RUNTIME_DIR=/run/user/${uid}`, ...restart] } },
    shed: { program: { entry: 'client.py', args: ['-v'] } },
  })
  assert.ok(steps.some(({ text: step }) => /Remove the line that starts shed/.test(step)))
})

test('what keeps commits from coming is told, connector by connector', async (t) => {
  const names = [
    'detached',
    'diverged',
    'edited',
    'fine',
    'gupfile',
    'key',
    'lone',
    'my shed',
    'new-file',
  ]
  const layout = await layoutOf(t, ...names)
  const { dir, git } = layout
  git('detached', 'checkout', '-q', '--detach')
  for (const name of ['diverged', 'new-file']) {
    await layout.push(name, { 'new.txt': 'theirs' })
    git(name, 'fetch', '-q')
  }
  git('diverged', 'commit', '-q', '--allow-empty', '-m', 'mine')
  writeFileSync(join(dir, 'new-file/new.txt'), 'mine')
  writeFileSync(join(dir, 'edited/client.py'), 'print("mine")\n')
  writeFileSync(join(dir, 'gupfile/gupfile'), 'paho-mqtt\n')
  git('gupfile', 'commit', '-qam', 'wrong')
  git('gupfile', 'push', '-q')
  git('key', 'remote', 'set-url', 'origin', 'git@git.lan:me/key.git')
  git('key', 'config', 'core.sshCommand', `ssh -i ${dir}/key -o StrictHostKeyChecking=no`)
  git('lone', 'branch', '--unset-upstream')
  await writeTree(join(dir, 'no checkout'), { gupfile: '' })
  const { troubles, 'supervisor.toml': text } = await ask(layout)
  const expected: readonly (readonly [string, RegExp])[] = [
    ['detached', /not on a branch/],
    ['diverged', /fetched last would not come: main of origin does not go on/],
    ['edited', /changed by hand: client\.py\./],
    ['gupfile', /^gupfile, line 1: /],
    ['key', /any server was trusted .* Now git\.lan must be known/],
    ['lone', /no upstream: .* main of origin is followed/],
    ['my shed', /blank in its name/],
    ['new-file', /fetched last would not come: the commit brings new\.txt/],
    ['new-file', /neither keeps nor ignores: new\.txt/],
    ['no checkout', /has a gupfile but no \.git/],
  ]
  assert.deepEqual(
    troubles.map(({ folder }) => folder),
    expected.map(([folder]) => folder),
  )
  for (const [index, [, why]] of expected.entries()) assert.match(troubles[index]?.why ?? '', why)
  const projects = parse(text)['projects'] as Record<string, object>
  assert.deepEqual(projects['key'], { git: { ssh_key: `${dir}/key` } })
  assert.deepEqual(projects['my-shed'], { directory: 'my shed' })
  assert.ok(!existsSync(join(dir, 'supervisor.toml')))
})

test('where there are no connectors, it says what was looked for', async (t) => {
  const dir = await makeFolder(t)
  const away = await makeFolder(t)
  const { env, crontab } = await makeConnectors(t, away, [])
  await writeTree(join(dir, 'half'), { gupfile: '' })
  gitIn(dir, 'init', '-q', 'other')
  const done = await runSupervisor(['migrate', '-C', dir], away, env)
  assert.equal(done.code, 1)
  assert.match(done.stderr, /a folder there with a gupfile and a \.git is one; without \.git: half/)
  assert.ok(done.stderr.includes(`ota-supervisor migrate -C ${away}`), done.stderr)
  rmSync(crontab)
  const none = await runSupervisor(['migrate', '-C', dir], away, env)
  assert.match(none.stderr, /name the folder that holds the connectors/)
})
