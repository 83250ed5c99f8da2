import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { projectOf, stopLimit, type UnitFacts, unitText } from '../../src/control/unit.ts'
import { afterwards } from '../harness/cleanup.ts'

/** The text of the unit that `service` writes. */

const facts: UnitFacts = {
  scope: 'system',
  name: 'ota-supervisor',
  project: '/srv/ota',
  node: process.execPath,
  script: '/opt/ota-supervisor/dist/supervisor.js',
  launch: null,
  user: { uid: 1000, name: 'ota' },
  reads: ['/usr/bin/node', '/opt/ota-supervisor', '/srv/ota'],
  writes: ['/srv/ota', '/srv/ota/main', '/srv/ota/deposit', '/srv/ota/logs'],
}

function linesOf(about: Partial<UnitFacts>, config = defaults): string[] {
  return unitText({ ...facts, ...about }, config).split('\n')
}

/** The value of a setting; undefined when the unit does not have it. */
function setting(name: string, lines: readonly string[]): string | undefined {
  const found = lines.filter((line) => line.startsWith(`${name}=`))
  assert.ok(found.length <= 1, `${name} is there once at most`)
  return found[0]?.slice(name.length + 1)
}

test('the unit says what systemd must know of this daemon', () => {
  const lines = linesOf({})
  const expected = {
    Type: 'notify',
    NotifyAccess: 'all',
    Restart: 'always',
    StartLimitIntervalSec: '0',
    WatchdogSec: '60s',
    KillMode: 'mixed',
    OOMPolicy: 'continue',
    User: 'ota',
    ProtectSystem: 'full',
    ProtectHome: 'yes',
    NoNewPrivileges: 'yes',
    WantedBy: 'multi-user.target',
    ExecStart: `${process.execPath} /opt/ota-supervisor/dist/supervisor.js -C /srv/ota`,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(setting(name, lines), value)
})

test('where versions can be exchanged, the launcher is started', () => {
  const lines = linesOf({ launch: '/var/lib/ota supervisor/launch' })
  const started = `/bin/sh "/var/lib/ota supervisor/launch" ${process.execPath} -C /srv/ota`
  assert.equal(setting('ExecStart', lines), started)
})

test('nothing in it closes the hardware, the network or other programs to main.py', () => {
  const closing =
    /^(Private|Device|ProtectClock|ProtectKernelTunables|ProtectProc|ProcSubset|RestrictAddress|RestrictRealtime|SystemCall|MemoryDeny|IPAddress|CapabilityBoundingSet|SupplementaryGroups)/
  assert.deepEqual(
    linesOf({}).filter((line) => closing.test(line)),
    [],
  )
})

test('the end may take longer than all its steps, by the settings in force', () => {
  const slow = { ...defaults, program: { ...defaults.program, stopMs: 90_500 } }
  assert.equal(stopLimit(slow) - stopLimit(defaults), 80_500)
  assert.equal(setting('TimeoutStopSec', linesOf({}, slow)), `${stopLimit(slow)}ms`)
  const { stopMs, termMs } = defaults.program
  assert.ok(stopLimit(defaults) > stopMs + termMs + defaults.log.closeMs)
})

test('a place that the daemon needs stays open to it', () => {
  const home = linesOf({ writes: ['/home/pi/app'] })
  assert.equal(setting('ProtectHome', home), undefined)
  assert.equal(setting('ProtectSystem', home), 'full')
  const node = linesOf({ reads: ['/home/pi/.nvm/versions/node/v22/bin/node'] })
  assert.equal(setting('ProtectHome', node), undefined)
  assert.equal(setting('ProtectSystem', linesOf({ writes: ['/usr/local/app'] })), undefined)
  assert.equal(setting('ProtectHome', linesOf({ writes: ['/homework'] })), 'yes')
})

test('root is not held back, and a user has no power to close folders', () => {
  const root = linesOf({ user: { uid: 0, name: 'root' } })
  assert.equal(setting('User', root), 'root')
  assert.deepEqual(
    root.filter((line) => line.startsWith('Protect')),
    [],
  )
  const user = linesOf({ scope: 'user' })
  assert.deepEqual(
    user.filter((line) => /^(Protect|User|After|RequiresMountsFor)/.test(line)),
    [],
  )
  assert.equal(setting('WantedBy', user), 'default.target')
})

test('paths are written so that systemd reads them as they are', () => {
  const cases = {
    '/srv/plain-1.0_x@y': '/srv/plain-1.0_x@y',
    '/srv/two words': '"/srv/two words"',
    '/srv/100%': '/srv/100%%',
    '/srv/$HOME': '"/srv/$$HOME"',
    '/srv/a"b': '"/srv/a\\"b"',
    "/srv/a'b": '"/srv/a\'b"',
    '/srv/a\\': '"/srv/a\\\\"',
    '/srv/größe': '"/srv/größe"',
  }
  for (const [project, written] of Object.entries(cases)) {
    const lines = linesOf({ project })
    assert.ok(setting('ExecStart', lines)?.endsWith(` -C ${written}`), project)
    assert.equal(setting('RequiresMountsFor', lines), written.replaceAll('$$', '$'))
    assert.equal(projectOf(lines.join('\n')), project)
    const glued = lines.filter((line) => line.endsWith('\\'))
    assert.deepEqual(glued, [], 'a backslash at its end would take in the next line')
  }
})

test('a path that no unit can hold is refused', () => {
  for (const project of ['/srv/a\nExecStartPre=/bin/evil', '/srv/a\tb', '/srv/\u0085']) {
    assert.throws(() => linesOf({ project }), { name: 'OperationalError', code: 'EINVAL' })
  }
  assert.throws(() => linesOf({ node: '/opt/my "node"/bin/node' }), { code: 'EINVAL' })
})

test('a unit of somebody else is not taken for ours', () => {
  assert.equal(projectOf('[Service]\nExecStart=/usr/bin/node dist/supervisor.js\n'), null)
  assert.equal(projectOf(''), null)
})

const verifier = spawnSync('systemd-analyze', ['--version'])
const skip =
  verifier.error === undefined ? false : 'needs systemd-analyze: sudo apt install systemd'

test('systemd itself finds nothing to say against it', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'ota-unit-'))
  afterwards(t, () => rm(dir, { recursive: true, force: true }))
  const script = join(dir, 'supervisor.js')
  await writeFile(script, '')
  for (const project of ['/srv/ota', '/srv/odd $HOME %h "q" \\t größe']) {
    for (const scope of ['system', 'user'] as const) {
      const path = join(dir, `test-${scope}.service`)
      await writeFile(path, unitText({ ...facts, scope, project, script }, defaults))
      const args = [scope === 'user' ? '--user' : '--system', 'verify', '--man=no', path]
      const env = { ...process.env, XDG_RUNTIME_DIR: dir }
      const done = spawnSync('systemd-analyze', args, { encoding: 'utf8', env })
      // It looks at all that the unit depends on as well; what it finds there is not ours.
      assert.doesNotMatch(done.stderr, /test-/)
      assert.equal(done.status, 0, done.stderr)
    }
  }
})
