import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNow, parentNamed, parseCrontab, runsTool } from '../../src/migrate/crontab.ts'
import { guessEntry } from '../../src/migrate/entry.ts'
import { isSamePython } from '../../src/migrate/environment.ts'
import { isAllowedWay, sshHost, sshKeyOf } from '../../src/migrate/remote.ts'
import { mentions, programOf } from '../../src/migrate/shell.ts'
import { findStart } from '../../src/migrate/start.ts'
import { isUnitOf, parseUnit, programOfUnit, type Unit } from '../../src/migrate/units.ts'

/** The pure parts of reading an old layout. */

const home = '/home/me'
const reader = { home, cwd: home }
const tool = `${home}/client-connector-updater`

test('lines of a crontab', () => {
  const text = [
    '# a comment',
    'SHELL=/bin/bash',
    '"A B" = c',
    '',
    '0  2 * * *  bash /x/run.sh &',
    '@reboot cd /x && ./go 100\\%%input',
    '*/5 * * *',
    '#0 3 * * * off',
  ].join('\n')
  assert.deepEqual(parseCrontab(text, false), [
    { text: '0  2 * * *  bash /x/run.sh &', when: '0 2 * * *', command: 'bash /x/run.sh &' },
    { text: '@reboot cd /x && ./go 100\\%%input', when: '@reboot', command: 'cd /x && ./go 100%' },
  ])
  const [system] = parseCrontab('17 * * * * root cd / && run-parts /etc/cron.hourly', true)
  assert.equal(system?.command, 'cd / && run-parts /etc/cron.hourly')
  assert.deepEqual(parseCrontab('0 2 * * * root', true), [])
})

test('the line that runs the old tool, and with which word', () => {
  const lineOf = (command: string) => ({ text: '', when: '0 2 * * *', command })
  const runs = (command: string, at = tool) => runsTool(lineOf(command), at, home)
  assert.ok(runs(`bash ${tool}/run.sh &`))
  assert.ok(runs('~/client-connector-updater/run.sh now'))
  assert.ok(runs('cd $HOME/client-connector-updater && ./run.sh'))
  assert.ok(runs('cd client-connector-updater; ./run.sh'))
  assert.ok(!runs(`bash ${tool}/run.sh &`, '/srv/client-connector-updater'))
  assert.ok(!runs('cd client-connector-updater; ./run.sh', '/srv/client-connector-updater'))
  assert.ok(!runs(`bash ${tool}-2/run.sh`))
  assert.ok(!runs(`tail ${tool}/gup.log`))
  assert.ok(isNow(lineOf(`bash "${tool}/run.sh" now &`)))
  assert.ok(!isNow(lineOf(`bash ${tool}/run.sh & # now`)))
  assert.equal(parentNamed(lineOf('bash ~/client-connector-updater/run.sh'), home), home)
  assert.equal(parentNamed(lineOf('bash run.sh'), home), null)
})

test('a folder is named by a command line, or only looks like it', () => {
  for (const text of [
    '/home/me/roof',
    'cd ~/roof',
    'a="$HOME/roof/x"',
    `x;\${HOME}/roof&`,
    '%h/roof',
  ]) {
    assert.ok(mentions(text, `${home}/roof`, home), text)
  }
  for (const text of ['/home/me/roof2', '/srv/home/me/roof', 'roof', '~/roof-old']) {
    assert.ok(!mentions(text, `${home}/roof`, home), text)
  }
})

test('the program that a command line runs in a folder', () => {
  const found = (text: string) => programOf(text, `${home}/roof`, reader)
  const client = { entry: 'client.py', args: [], python: 'python3' }
  assert.deepEqual(found('python3 /home/me/roof/client.py'), client)
  assert.deepEqual(
    found('sleep 30 && cd ~/roof && python3 -u client.py > /dev/null 2>&1 &'),
    client,
  )
  assert.deepEqual(found('cd roof; nohup python3 -W ignore client.py&'), client)
  assert.deepEqual(found(`su - me -c "cd ${home}/roof && python3 client.py"`), client)
  assert.deepEqual(found('LANG=C python3 "roof/client.py" 2>err.log'), client)
  assert.deepEqual(
    found('cd roof && ../.pyenv/roof/bin/python app/run.py -v \'a b\' --to="x" | logger'),
    {
      entry: 'app/run.py',
      args: ['-v', 'a b', '--to=x'],
      python: `${home}/.pyenv/roof/bin/python`,
    },
  )
  assert.deepEqual(found('/home/me/roof/client.py -q'), {
    entry: 'client.py',
    args: ['-q'],
    python: null,
  })
  for (const text of [
    'bash /home/me/roof/start.sh',
    'python3 /home/me/garage/client.py',
    'cd roof && python3 -m connector',
    'cd roof && python3 client.py --port $PORT',
    'cd roof && python3 client.py *.json',
    '',
  ]) {
    assert.equal(found(text), null, text)
  }
})

test('a unit says what it runs, and where', () => {
  const text = `[Unit]
Description=/home/me/garage
[Service]
# ExecStart=/no
WorkingDirectory=-/home/me/roof
ExecStart=/gone
ExecStart=
ExecStart=-/home/me/.pyenv/roof/bin/python \\
; a comment within
    client.py --fast
[Install]
WantedBy=multi-user.target
`
  const about = { name: 'roof.service', scope: 'system', path: '/etc/x', isEnabled: true } as const
  const unit: Unit = { ...about, ...parseUnit(text) }
  assert.equal(unit.workingDirectory, '/home/me/roof')
  assert.ok(isUnitOf(unit, `${home}/roof`, home))
  assert.ok(!isUnitOf(unit, `${home}/garage`, home))
  assert.deepEqual(programOfUnit(unit, `${home}/roof`, home), {
    entry: 'client.py',
    args: ['--fast'],
    python: `${home}/.pyenv/roof/bin/python`,
  })
})

test('what starts a program: a unit that is enabled, a line, a unit that is not', () => {
  const unitOf = (isEnabled: boolean): Unit => ({
    ...{ name: 'roof.service', scope: 'system', path: '/etc/x', isEnabled },
    ...parseUnit('[Service]\nExecStart=/usr/bin/python3 /home/me/roof/client.py\n'),
  })
  const lines = parseCrontab(
    `@reboot python3 roof/client.py\n0 1 * * * ls ${home}/garage`,
    false,
  ).map((line) => ({ ...line, from: { is: 'user' as const, user: null } }))
  const startOf = (name: string, units: Unit[], commands: string[] = []) =>
    findStart(`${home}/${name}`, null, home, { units, lines, commands }).is
  assert.equal(startOf('roof', [unitOf(true)]), 'unit')
  assert.equal(startOf('roof', [unitOf(false)]), 'line')
  assert.equal(startOf('garage', [unitOf(true)]), 'unknown')
  assert.equal(startOf('garage', [], [`${home}/garage/start.sh &`]), 'rc.local')
})

test('the file that is most likely run', () => {
  const scripts = (...names: string[]) =>
    names.map((name) => ({ name: name.replace('*', ''), isProgram: name.endsWith('*') }))
  assert.equal(guessEntry(scripts('a.py*', 'client.py')), 'client.py')
  assert.equal(guessEntry(scripts('client.py', 'main.py')), 'main.py')
  assert.equal(guessEntry(scripts('a.py', 'b.py*')), 'b.py')
  assert.equal(guessEntry(scripts('a.py*', 'b.py*')), null)
  assert.equal(guessEntry([]), null)
})

test('addresses, and the key that a checkout connects with', () => {
  assert.equal(sshHost('git@github.com:me/x.git'), 'github.com')
  assert.equal(sshHost('ssh://git@host.lan:22/x.git'), 'host.lan')
  assert.equal(sshHost('https://me:secret@host/x.git'), null)
  assert.equal(sshHost('/srv/a:b'), null)
  assert.ok(isAllowedWay('https://h/x') && isAllowedWay('git@h:x') && isAllowedWay('../x.git'))
  assert.ok(!isAllowedWay('ext::sh -c x') && !isAllowedWay('ftp://h/x'))
  const keyIn = (line: string, host = 'git.lan') => sshKeyOf(line, host, home)
  const key = `${home}/.ssh/roof`
  assert.deepEqual(keyIn('ssh -i ~/.ssh/roof -F /dev/null'), {
    key,
    knownHosts: null,
    wasLax: false,
  })
  assert.deepEqual(
    keyIn(
      `ssh -o IdentitiesOnly=yes -oStrictHostKeyChecking=no -i "${key}" -o UserKnownHostsFile=/k`,
    ),
    { key, knownHosts: '/k', wasLax: true },
  )
  for (const line of [
    'ssh',
    `ssh -p 2222 -i ${key}`,
    'ssh -i key',
    `ssh -o ProxyJump=x -i ${key}`,
  ]) {
    assert.equal(keyIn(line), null, line)
  }
  assert.equal(keyIn(`ssh -i ${key}`, 'an-alias'), null)
})

test('Pythons that take the same packages', () => {
  assert.ok(isSamePython('3.11.2', '3.11.9'))
  assert.ok(!isSamePython('3.1.2', '3.11.2'))
})
