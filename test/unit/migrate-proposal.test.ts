import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'smol-toml'
import { readToml } from '../../src/config-file.ts'
import { layoutIn } from '../../src/config-projects.ts'
import { type FoundLine, parseCrontab } from '../../src/migrate/crontab.ts'
import type { Connector, Layout } from '../../src/migrate/layout.ts'
import { namesFor, propose } from '../../src/migrate/proposal.ts'
import type { Start } from '../../src/migrate/start.ts'
import { stepsFor } from '../../src/migrate/steps.ts'
import { tomlOf } from '../../src/migrate/toml.ts'
import { troublesOf } from '../../src/migrate/troubles.ts'
import { parseUnit } from '../../src/migrate/units.ts'

/** What becomes of an old layout: the file is read back as a person's would be. */

const home = '/home/me'

function connector(folder: string, about: Partial<Connector> = {}): Connector {
  return {
    folder,
    checkout: {
      commit: 'c'.repeat(40),
      branch: 'main',
      remote: 'origin',
      address: 'https://git.lan/x.git',
      ssh: null,
    },
    packages: 2,
    environment: { path: `${home}/.pyenv/${folder}`, version: '3.11.2', isWhole: true },
    start: { is: 'unknown' },
    entry: 'client.py',
    troubles: [],
    ...about,
  }
}

function found(text: string): FoundLine[] {
  return parseCrontab(text, false).map((line) => ({ ...line, from: { is: 'user', user: null } }))
}

const nightly = found(`0 2 * * *  bash ${home}/client-connector-updater/run.sh &`)

function layout(connectors: Connector[], about: Partial<Layout> = {}): Layout {
  return {
    directory: home,
    owner: { uid: 1_000, gid: 1_000, name: 'me', home },
    tool: `${home}/client-connector-updater`,
    runs: nightly,
    connectors,
    noCheckouts: [],
    python: '3.11.2',
    freeBytes: 1e9,
    hasSettings: false,
    ...about,
  }
}

const unit: Start = {
  is: 'unit',
  unit: {
    ...{ name: 'roof.service', scope: 'system', path: '/etc/systemd/system/roof.service' },
    isEnabled: true,
    ...parseUnit(`[Service]\nExecStart=${home}/.pyenv/roof/bin/python ${home}/roof/client.py\n`),
  },
  program: { entry: 'client.py', args: [], python: `${home}/.pyenv/roof/bin/python` },
}

const [rebootLine] = found('@reboot cd ~/shed && python3.9 shed.py --fast "a b" &')
const reboot: Start = {
  is: 'line',
  line: rebootLine as FoundLine,
  program: { entry: 'shed.py', args: ['--fast', 'a b'], python: 'python3.9' },
}

type Table = Readonly<Record<string, unknown>>

/** The proposed file, parsed; it is one that the daemon takes, for exactly these connectors. */
async function readBack(from: Layout, keepsEnvironments = false): Promise<Table> {
  const proposal = propose(from, keepsEnvironments)
  const text = tomlOf(from.directory, proposal)
  for (const line of text.split('\n')) assert.ok(line.length <= 72 || !/^# .* /.test(line), line)
  const read = await layoutIn(await readToml(text, 'supervisor.toml'), from.directory)
  assert.ok(read.is === 'many')
  // What is discovered is a question of the folders that are there.
  const listed = proposal.isDiscovered ? [] : from.connectors.map(({ folder }) => folder)
  assert.deepEqual(
    read.projects.map(({ directory }) => directory).toSorted(),
    listed.map((folder) => join(from.directory, folder)).toSorted(),
  )
  // Tables of the parser have no prototype.
  return JSON.parse(JSON.stringify(parse(text))) as Table
}

test('nothing differs: the connectors are found by their gupfiles', async () => {
  assert.deepEqual(await readBack(layout([connector('garage'), connector('roof')])), {
    discover: { gupfiles: true },
    git: { schedule: '0 2 * * *' },
    program: { after_update: 'nothing' },
  })
})

test('each connector has what is its own', async () => {
  const ssh = { key: '/home/me/.ssh/key', knownHosts: null, wasLax: false }
  const all = layout([
    connector('garage', { entry: null }),
    connector('my shed', { start: reboot }),
    connector('roof', { start: unit, checkout: { ...connector('').checkout, remote: 'up', ssh } }),
  ])
  assert.deepEqual(await readBack(all), {
    folders: { main: '.' },
    git: { remote: 'origin', schedule: '0 2 * * *' },
    program: { user: 'me' },
    projects: {
      garage: { program: { after_update: 'nothing' } },
      'my-shed': {
        directory: 'my shed',
        program: { entry: 'shed.py', args: ['--fast', 'a b'], python: 'python3.9' },
      },
      roof: {
        git: { remote: 'up', ssh_key: '/home/me/.ssh/key' },
        program: { after_update: ['systemctl', 'restart', 'roof.service'] },
      },
    },
  })
})

test('old environments are adopted on request only', async () => {
  const away = { path: '/elsewhere/.pyenv/shed', version: '3.9.2', isWhole: true }
  const all = layout([
    connector('garage', { environment: null }),
    connector('roof'),
    connector('shed', { environment: away }),
  ])
  const { projects } = (await readBack(all, true)) as { projects: Table }
  assert.deepEqual(projects, {
    garage: {},
    roof: { python: { venv: '../.pyenv/roof' } },
    shed: { python: { venv: '/elsewhere/.pyenv/shed' } },
  })
  assert.deepEqual(
    troublesOf(all, true).map(({ folder, why }) => `${folder}: ${why}`),
    [
      'garage: it has no virtual environment of its name in .pyenv: its packages are installed anew',
      'shed: /elsewhere/.pyenv/shed is of Python 3.9.2, and here is Python 3.11.2',
    ],
  )
  assert.deepEqual(troublesOf(all, false), [])
})

test('the schedule: without delay, without a usable time, not found', async () => {
  const gitOf = async (text: string) =>
    (await readBack(layout([connector('a')], { runs: found(text) })))['git']
  const run = `bash ${home}/client-connector-updater/run.sh`
  assert.deepEqual(await gitOf(`*/30 1-5 * * 1  ${run} now`), {
    schedule: '*/30 1-5 * * 1',
    random_delay: '0s',
  })
  assert.deepEqual(await gitOf(`@daily ${run}`), { schedule: '@daily' })
  assert.deepEqual(await gitOf(`@reboot ${run}`), { schedule: '0 2 * * *' })
  assert.deepEqual(await gitOf(''), { schedule: '0 2 * * *' })
})

test('names of projects', () => {
  assert.deepEqual(namesFor(['a b', 'a-b', 'ä', 'x.y', '-', 'a  b']), [
    ...['a-b-2', 'a-b', 'connector', 'x-y', 'connector-2', 'a-b-3'],
  ])
})

test('what is to be done, in order', () => {
  const all = layout([connector('shed', { start: reboot }), connector('roof', { start: unit })])
  const about = { isWritten: true, keepsEnvironments: false }
  const caller = { uid: 1_000, program: ['/usr/bin/node', '/opt/supervisor.js'] }
  const steps = stepsFor(all, propose(all, false), about, caller)
  assert.deepEqual(
    steps.map(({ command }) => command),
    [
      "crontab -l | grep -vxF -e '0 2 * * *  bash /home/me/client-connector-updater/run.sh &' | crontab -",
      `crontab -l | grep -vxF -e '@reboot cd ~/shed && python3.9 shed.py --fast "a b" &' | crontab -`,
      'sudo /usr/bin/node /opt/supervisor.js service install -C /home/me --run-as root',
      'sudo systemctl edit --full roof.service',
      'ota-supervisor status -C /home/me',
      'rm -rf /home/me/client-connector-updater',
      'rm -rf /home/me/.pyenv/shed /home/me/.pyenv/roof',
      'sudo grep -rn NOPASSWD /etc/sudoers /etc/sudoers.d',
    ],
  )
  assert.match(steps[3]?.text ?? '', /\/home\/me\/roof\/\.supervisor\/environment\/bin\/python$/)
  assert.match(steps[2]?.text ?? '', /4 packages for 2 connectors:/)
})
