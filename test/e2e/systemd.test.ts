import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { until } from '../harness/processes.ts'
import { programPath, writeSettings } from '../harness/project.ts'
import { outcomesOf } from '../harness/records.ts'
import {
  type Box,
  bootSystemd,
  cloneInBox,
  nodeInBox,
  noSystemdBox,
} from '../harness/systemd-box.ts'
import { packVersion } from '../harness/versions.ts'

/** A real systemd, booted beside the tests, runs the daemon from its installation to its removal. */

const uid = 7_123
const project = '/srv/ota'
const unit = 'ota-supervisor.service'
const ota = { uid, env: { HOME: project, XDG_RUNTIME_DIR: `/run/user/${uid}` } }

/** A command line of the daemon's, in the box. */
function verb(...args: readonly string[]): string[] {
  return [nodeInBox, join(cloneInBox, 'dist/supervisor.js'), ...args]
}

async function show(box: Box, property: string, of = unit): Promise<string> {
  return box.does('systemctl', 'show', '--value', '-p', property, of)
}

/** Waits until the service is up with another daemon than before; the answer is its number in the box. */
async function untilRestarted(box: Box, before: string): Promise<string> {
  await until(
    'systemd has started another daemon',
    async () =>
      (await show(box, 'ActiveState')) === 'active' && (await show(box, 'MainPID')) !== before,
    30_000,
  )
  return show(box, 'MainPID')
}

/** The numbers of the program's processes in the box. */
async function programs(box: Box): Promise<string[]> {
  const { stdout } = await box.run(['pgrep', '-f', '^[^ ]*python3? main.py$'])
  return stdout.split('\n').filter((line) => line !== '')
}

async function putProgram(box: Box, name: string, dir = project): Promise<void> {
  await mkdir(box.path(`${dir}/main`), { recursive: true })
  await copyFile(programPath(name), box.path(`${dir}/main/main.py`))
  await box.does('chown', '-R', 'ota:', dir)
}

/** All that the daemon has logged in this project, session after session. */
async function logOf(box: Box): Promise<string> {
  const names = (await readdir(box.path(`${project}/logs`))).sort()
  const all = names.map((name) => readFile(box.path(`${project}/logs/${name}`), 'utf8'))
  return (await Promise.all(all)).join('')
}

/** What the tests want to be quicker than the unit has it. */
async function dropIn(box: Box, ...lines: readonly string[]): Promise<void> {
  const path = box.path(`/etc/systemd/system/${unit}.d/quick.conf`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, ['[Service]', ...lines, ''].join('\n'))
  await box.does('systemctl', 'daemon-reload')
}

test('under a real systemd', { skip: noSystemdBox() }, async (t) => {
  const box = await bootSystemd(t)
  if (typeof box === 'string') return t.skip(box)
  const python = await box.run(['python3', '--version'])
  if (python.code !== 0)
    return t.skip('needs a python3 where services look: sudo apt install python3')
  await box.does('useradd', '--uid', `${uid}`, '--user-group', '--home-dir', project, 'ota')
  await mkdir(box.path(project))
  await writeSettings(box.path(project), {
    trial: { time: '6s' },
    program: { stop: '20s' },
    systemd: { tick: '50ms' },
  })
  await putProgram(box, 'leaves-daemon')

  await t.test('a user is told the line that installs it with sudo', async () => {
    const done = await box.run(verb('service', 'install', '-C', project), ota)
    assert.equal(done.code, 1)
    const line = `sudo ${verb('service', 'install', '-C', project).join(' ')}`
    assert.ok(done.output.includes(line), done.output)
  })

  await t.test('install: it is up, ready, and tells how it goes', async () => {
    const told = await box.does(...verb('service', 'install', '-C', project))
    assert.match(told, /^ota-supervisor\.service is active, now and after every boot/)
    assert.equal(await show(box, 'ActiveState'), 'active')
    assert.equal(await box.does('systemctl', 'is-enabled', unit), 'enabled')
    assert.equal(await show(box, 'User'), 'ota')
    await until('its status tells of the program', async () =>
      /^main\.py runs \(pid \d+\)/.test(await show(box, 'StatusText')),
    )
    assert.match(await box.does('systemctl', 'status', unit), /Status: "main\.py runs \(pid \d+\)/)
    assert.match(
      await box.does('journalctl', '-u', unit),
      /ota-supervisor\[\d+\]: .* ota-supervisor /,
    )
    const [program = ''] = await programs(box)
    const environment = await box.does('cat', `/proc/${program}/environ`)
    assert.match(environment, /OTA_SUPERVISOR_RELEASE=r0/)
    assert.doesNotMatch(environment, /NOTIFY_SOCKET|WATCHDOG_/)
  })

  await t.test('the hardware stays open to the program, the system is closed to it', async () => {
    const [program = ''] = await programs(box)
    const inside = `/proc/${program}/root`
    const devices = await box.does('ls', '/dev')
    assert.equal(await box.does('ls', `${inside}/dev`), devices)
    assert.equal(await show(box, 'DevicePolicy'), 'auto')
    assert.equal(await show(box, 'DeviceAllow'), '')
    const mounts = (await box.does('cat', `/proc/${program}/mounts`)).split('\n')
    const isReadOnly = (place: string) =>
      mounts.some((line) => line.split(' ')[1] === place && / ro[,\s]/.test(line))
    assert.ok(isReadOnly('/usr') && isReadOnly('/etc'))
    assert.match(await box.does('cat', `/proc/${program}/status`), /^NoNewPrivs:\s*1$/m)
  })

  await t.test('reload: it reads supervisor.toml again', async () => {
    await box.does('systemctl', 'reload', unit)
    await until('it says so', async () => /the settings are as before/.test(await logOf(box)))
  })

  await t.test('install again: nothing changes, nothing is restarted', async () => {
    const before = await show(box, 'MainPID')
    const told = await box.does(...verb('service', 'install', '-C', project, '--json'))
    assert.equal(JSON.parse(told).changed, false)
    assert.equal(await show(box, 'MainPID'), before)
  })

  await t.test(
    'install never takes the unit of another directory, or of somebody else',
    async () => {
      const path = box.path(`/etc/systemd/system/${unit}`)
      const other = await box.run(verb('service', 'install', '-C', '/srv'))
      assert.equal(other.code, 1)
      assert.match(other.output, /is there, for \/srv\/ota/)
      const ours = await readFile(path, 'utf8')
      await writeFile(path, ours.replace(/^# ota-supervisor for .*$/m, ''))
      for (const action of ['install', 'uninstall']) {
        const foreign = await box.run(verb('service', action, '-C', project))
        assert.equal(foreign.code, 1)
        assert.match(foreign.output, /has not written it/)
      }
      await writeFile(path, ours)
    },
  )

  await t.test('kill -9 of the daemon: no orphan, and one program after the restart', async () => {
    await dropIn(box, 'RestartSec=300ms', 'WatchdogSec=3s')
    const before = await show(box, 'MainPID')
    const old = await programs(box)
    assert.equal(old.length, 2, 'the program and the daemon that it makes')
    await box.does('systemctl', 'kill', '--kill-who=main', '--signal=KILL', unit)
    await untilRestarted(box, before)
    await until('the new program is up', async () => (await programs(box)).length === 2)
    const now = await programs(box)
    assert.deepEqual(
      now.filter((pid) => old.includes(pid)),
      [],
    )
  })

  await t.test('a hung daemon: the watchdog has it restarted', async () => {
    const before = await show(box, 'MainPID')
    const old = await programs(box)
    await box.does('kill', '-STOP', before)
    await untilRestarted(box, before)
    await until('the new program is up', async () => (await programs(box)).length === 2)
    assert.match(await box.does('journalctl', '-u', unit), /[Ww]atchdog timeout/)
    assert.deepEqual(
      (await programs(box)).filter((pid) => old.includes(pid)),
      [],
    )
  })

  await t.test('a stop that takes its time gets it, beyond the limit of the unit', async () => {
    await box.does('systemctl', 'stop', unit)
    await dropIn(box, 'RestartSec=300ms', 'TimeoutStopSec=3s')
    await putProgram(box, 'slow-to-end')
    await box.does('systemctl', 'start', unit)
    await until('the program is up', async () => /slow is up/.test(await logOf(box)))
    const stopping = box.does('systemctl', 'stop', unit)
    await until('the status tells of the stop', async () =>
      /^main\.py is being stopped \(pid \d+\): the daemon is stopping$/.test(
        await show(box, 'StatusText'),
      ),
    )
    await stopping
    assert.match(await logOf(box), /everything is put away/)
    assert.equal(await show(box, 'Result'), 'success')
  })

  await t.test('a reboot in the middle of a trial: the trial goes on', async () => {
    await putProgram(box, 'good')
    await box.does('systemctl', 'start', unit)
    const upload = box.path(`${project}/upload.py`)
    await copyFile(programPath('handles-term'), upload)
    await box.does('chown', 'ota:', `${project}/upload.py`)
    await rename(upload, box.path(`${project}/deposit/main.py`))
    await until('it is on trial', async () => /r1: applied/.test(await logOf(box)), 30_000)
    await box.reboot()
    assert.deepEqual(await outcomesOf(box.path(project)), [])
    await until('its trial goes on', async () => /r1: its trial goes on/.test(await logOf(box)))
    const isDone = async () => (await outcomesOf(box.path(project))).length > 0
    await until('it is decided', isDone, 30_000)
    assert.deepEqual(await outcomesOf(box.path(project)), ['r1 committed'])
    assert.match(await readFile(box.path(`${project}/main/main.py`), 'utf8'), /polite is up/)
    assert.equal((await programs(box)).length, 1)
  })

  await t.test('a directory with an odd name, as a second service', async () => {
    const odd = '/srv/odd $HOME %h "q" \\t größe'
    await putProgram(box, 'good', odd)
    await box.does(...verb('service', 'install', '-C', odd, '--name', 'ota-odd'))
    assert.equal(await show(box, 'ActiveState', 'ota-odd.service'), 'active')
    const [log = ''] = await readdir(box.path(`${odd}/logs`))
    await until('its program is up', async () =>
      /good is up/.test(await readFile(box.path(`${odd}/logs/${log}`), 'utf8')),
    )
    await box.does(...verb('service', 'uninstall', '-C', odd, '--name', 'ota-odd'))
    assert.equal(await show(box, 'LoadState', 'ota-odd.service'), 'not-found')
  })

  await t.test('a service that cannot start says why', async () => {
    const done = await box.run(verb('service', 'install', '-C', project, '--name', 'ota-twice'))
    assert.equal(done.code, 1)
    assert.match(done.output, /another ota-supervisor already runs in \/srv\/ota/)
    await box.does(...verb('service', 'uninstall', '-C', project, '--name', 'ota-twice'))
  })

  await t.test('a service of one user', async () => {
    const early = await box.run(verb('service', 'install', '--user', '-C', project), ota)
    assert.equal(early.code, 1)
    assert.match(early.output, /log in as this user directly/)
    await box.does('systemctl', 'start', `user@${uid}.service`)
    const own = `${project}/own`
    await putProgram(box, 'good', own)
    const done = await box.run(verb('service', 'install', '--user', '-C', own), ota)
    assert.equal(done.code, 0, done.output)
    assert.match(done.output, /sudo loginctl enable-linger ota/)
    const state = ['systemctl', '--user', 'show', '--value', '-p', 'ActiveState', unit]
    assert.equal((await box.run(state, ota)).stdout.trim(), 'active')
    const gone = await box.run(verb('service', 'uninstall', '--user', '-C', own), ota)
    assert.equal(gone.code, 0, gone.output)
    assert.equal((await box.run(state, ota)).stdout.trim(), 'inactive')
  })

  await t.test(
    'self-update: a newer version is installed, and one that hangs goes back',
    async () => {
      const shelf = '/srv/shelf'
      const settings = { mode: 'notify', from: shelf, stay: '2s', tick: '50ms' }
      await mkdir(box.path(shelf))
      await writeSettings(box.path(project), { self_update: settings })
      await box.does(...verb('service', 'install', '-C', project))
      // The unit's limit is the one for its end; a start that hangs is ended by another.
      await dropIn(box, 'RestartSec=300ms', 'TimeoutStartSec=3s')
      const own = '/var/lib/ota-supervisor'
      assert.equal(await box.does('readlink', `${own}/current`), 'releases/0.1.0')
      await packVersion(box.path(shelf), '0.2.0')
      const before = await show(box, 'MainPID')
      const told = await box.does(...verb('self-update', '-C', project))
      assert.match(told, /^version 0\.2\.0 is ready/)
      await untilRestarted(box, before)
      await until('it is kept', async () => /version 0\.2\.0 is kept/.test(await logOf(box)))
      assert.equal(await box.does('readlink', `${own}/current`), 'releases/0.2.0')

      await packVersion(box.path(shelf), '0.3.0', 'hangs')
      await box.does(...verb('self-update', '-C', project))
      await until(
        'the version before is back',
        async () => /version 0\.3\.0 was tried at .* did not stay up/.test(await logOf(box)),
        60_000,
      )
      assert.equal(await box.does('readlink', `${own}/current`), 'releases/0.2.0')
      await until('its program is up', async () => (await programs(box)).length === 1)
    },
  )

  await t.test('uninstall: it is stopped, and nothing of it is left but the project', async () => {
    const daemon = await show(box, 'MainPID')
    assert.equal((await box.run(['kill', '-0', daemon])).code, 0)
    await box.does(...verb('service', 'uninstall', '-C', project))
    assert.equal((await box.run(['kill', '-0', daemon])).code, 1)
    assert.deepEqual(await programs(box), [])
    assert.equal((await box.run(['systemctl', 'is-enabled', unit])).code, 1)
    assert.deepEqual((await box.run(['ls', `/etc/systemd/system/${unit}`])).code, 2)
    assert.match(await readFile(box.path(`${project}/main/main.py`), 'utf8'), /polite is up/)
    const again = await box.does(...verb('service', 'uninstall', '-C', project))
    assert.match(again, /there is no ota-supervisor\.service/)
  })
})
