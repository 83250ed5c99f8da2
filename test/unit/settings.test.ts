import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, defaults } from '../../src/config.ts'
import { readSettings, type Settings } from '../../src/config-file.ts'
import { settingsOf } from '../../src/config-names.ts'
import { loadLayout } from '../../src/config-projects.ts'
import { OperationalError } from '../../src/errors.ts'
import { makeProject } from '../harness/project.ts'

const file = '/srv/ota/supervisor.toml'

/** What a text sets: the sections that are not the defaults. */
async function configOf(text: string): Promise<Config> {
  return (await readSettings(text, file)).config
}

/** The settings of a directory that is one project. */
async function loadSettings(dir: string): Promise<Settings> {
  const { config, given } = await loadLayout(dir)
  return { config, given }
}

async function loadConfig(dir: string): Promise<Config> {
  return (await loadLayout(dir)).config
}

/** What is wrong with a text, line by line, without the path of the file. */
async function problemsOf(text: string): Promise<string[]> {
  const error = await readSettings(text, file).then(
    () => assert.fail(`accepted: ${text}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperationalError, String(error))
  assert.equal(error.code, 'ECONFIG')
  assert.equal(error.path, file)
  assert.match(error.hint ?? '', /correct the file, or remove it/)
  return error.message.split('\n').map((line) => {
    assert.ok(line.startsWith(file), line)
    return line.slice(file.length + 1)
  })
}

test('every setting has a name of its own in supervisor.toml', async (t) => {
  const dir = await makeProject(t)
  const text =
    '[update]\nkeep_rejected = 5\nmax_rejected = "1MB"\n' +
    '[deposit]\norphan = "1s"\ntemporary = ["*.a"]\nmanifest_wait = "2s"\nmanifest = "LIST"\n'
  await writeFile(join(dir, 'supervisor.toml'), text)
  assert.deepEqual(await loadConfig(dir), {
    ...defaults,
    update: { ...defaults.update, keepRejected: 5, maxRejectedBytes: 1_000_000 },
    deposit: {
      ...defaults.deposit,
      orphanMs: 1_000,
      temporary: ['*.a'],
      manifestWaitMs: 2_000,
      manifest: 'LIST',
    },
  })
})

test('health checks and hooks are commands, addresses and durations', async (t) => {
  const dir = await makeProject(t)
  const text =
    '[program]\nmax_memory = "200MB"\n[health]\ncommand = ["python3", "probe.py"]\n' +
    'start_period = "20s"\nfailures = 5\n[hooks]\nrolled_back = ["mail", "-s", "x"]\n'
  await writeFile(join(dir, 'supervisor.toml'), text)
  const { program, health, hooks } = await loadConfig(dir)
  assert.equal(program.maxMemoryBytes, 200_000_000)
  const { startPeriodMs, failures, command } = health
  assert.deepEqual(
    { startPeriodMs, failures, command },
    {
      startPeriodMs: 20_000,
      failures: 5,
      command: ['python3', 'probe.py'],
    },
  )
  assert.deepEqual(hooks, { ...defaults.hooks, rolledBack: ['mail', '-s', 'x'] })
})

test('a health check that cannot be is a mistake in the settings', async (t) => {
  const dir = await makeProject(t)
  async function refused(setting: string, expected: RegExp): Promise<void> {
    await writeFile(join(dir, 'supervisor.toml'), `[health]\n${setting}\n`)
    await assert.rejects(loadConfig(dir), { code: 'ECONFIG', message: expected }, setting)
  }
  await refused(
    'tcp = "80"\ncommand = ["x"]',
    /:2: health\.tcp: health\.command is set too; only one/,
  )
  await refused('command = ["", "x"]', /:2: health\.command: expected a command first/)
  for (const http of ['8080', 'localhost:8080', 'ftp://x/', 'file:///etc/passwd', 'http://']) {
    await refused(`http = "${http}"`, /:2: health\.http: expected an address such as/)
  }
  for (const tcp of ['0', '65536', 'x', 'x:', '::1:80', 'http://x:80', 'a b:80', '-1', '1.5']) {
    await refused(`tcp = "${tcp}"`, /:2: health\.tcp: expected a port: /)
  }
  await refused('interval = "0s"', /:2: health\.interval: expected a duration longer than zero/)
  await refused('failures = 0', /:2: health\.failures: expected a whole number from 1/)
})

test('what happens after an update is a word or a command', async () => {
  const read = async (value: string) =>
    (await readSettings(`[program]\nafter_update = ${value}\n`, 'x.toml')).config.program
      .afterUpdate
  assert.equal(await read('"reboot"'), 'reboot')
  const command = ['systemctl', 'restart', 'roof.service']
  assert.deepEqual(await read(JSON.stringify(command)), command)
  for (const wrong of ['"stop"', '[]', '["", "x"]', '[1]', 'true', '"systemctl restart roof"']) {
    await assert.rejects(read(wrong), /:2: program\.after_update/, wrong)
  }
})

test('what may be a secret in an address is not shown', async (t) => {
  const dir = await makeProject(t)
  await writeFile(join(dir, 'supervisor.toml'), '[health]\nhttp = "ftp://me:geheim@x/"\n')
  await assert.rejects(loadConfig(dir), ({ message }: Error) => !message.includes('geheim'))
})

test('no two settings have one name in the file', () => {
  const names = settingsOf(defaults).map(({ name }) => name)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})

test('all defaults, written as the settings page has them, are the defaults', async () => {
  const lines = settingsOf(defaults).map(({ name, written }) => {
    return `${name} = ${JSON.stringify(written)}`
  })
  assert.deepEqual(await configOf(lines.join('\n')), defaults)
})

test('the settings of the README are accepted as they stand there', async (t) => {
  const dir = await makeProject(t)
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/```toml\n(.*?)```/gs)]
  assert.ok(examples.length > 0)
  for (const [, example = ''] of examples) {
    await writeFile(join(dir, 'supervisor.toml'), example)
    await loadConfig(dir)
  }
})

test('units: durations in milliseconds, sizes in bytes, and back as they are written', async () => {
  const durations = { '250ms': 250, '1.5s': 1_500, '90s': 90_000, '5min': 300_000, '2h': 7_200_000 }
  for (const [written, ms] of Object.entries(durations)) {
    const config = await configOf(`[trial]\ntime = "${written}"`)
    assert.equal(config.trial.ms, ms)
    assert.equal(settingsOf(config).find(({ name }) => name === 'trial.time')?.written, written)
  }
  const sizes = { '0B': 0, '64B': 64, '16384B': 16_384, '1.5kB': 1_500, '10MB': 1e7, '2GB': 2e9 }
  for (const [written, bytes] of Object.entries(sizes)) {
    const config = await configOf(`[update]\nmin_free = "${written}"`)
    assert.equal(config.update.minFreeBytes, bytes)
    assert.equal(
      settingsOf(config).find(({ name }) => name === 'update.min_free')?.written,
      written,
    )
  }
})

test('what is not in the file is a copy of the default: a reload must not change the defaults', async (t) => {
  const dir = await makeProject(t)
  await writeFile(join(dir, 'supervisor.toml'), '[trial]\ntime = "1s"\n')
  for (const config of [await loadConfig(dir), await configOf('')]) {
    for (const [name, section] of Object.entries(config)) {
      assert.notEqual(section, defaults[name as keyof Config], name)
    }
  }
})

const odd: Readonly<Record<string, string>> = {
  'no text': '',
  'only comments': '# nothing\n\n  # at all',
  'a byte order mark': '\uFEFF[trial]\ntime = "7s"\n',
  'line ends of Windows': '[trial]\r\ntime = "7s"\r\n\r\n[program]\r\nstop = "7s"\r\n',
  'a key before its section': 'trial.time = "7s"\n[program]\nstop = "7s"',
  'sections in any order, and indented': '  [program]\n\tstop = "7s"\n [trial]\n  time = "7s" # !',
  'tables in one line': 'trial = { time = "7s" }\nprogram = { stop = "7s", env = { A = "b" } }',
}

for (const [what, text] of Object.entries(odd)) {
  test(`accepted: ${what}`, async () => {
    const { trial, program } = await configOf(text)
    if (text.includes('time =')) assert.equal(trial.ms, 7_000)
    if (text.includes('stop =')) assert.equal(program.stopMs, 7_000)
  })
}

test('where a setting comes from: its line, or none in a table of one line', async () => {
  const text = `# a comment
program.args = [
  "[trial]", # time = 1
  """
time = "1s"
""", 'x = "''y']
[ trial ]
  "time" = "2s"

[program.env]
A = "1"
[verify]
repair = "1s"
[deposit]
ignore = ['''
[log]''', "a\\"b"]
`
  const { given } = await readSettings(text.replace("'x = \"''y'", "'x'"), file)
  assert.deepEqual(Object.fromEntries(given), {
    'program.args': 2,
    'trial.time': 8,
    'program.env': 10,
    'verify.repair': 13,
    'deposit.ignore': 15,
  })
  const inline = await readSettings('\ntrial = { time = "2s" }', file)
  assert.deepEqual([...inline.given], [['trial.time', 2]])
})

test('every mistake is told at once, in the order of the file, with its line', async () => {
  const found = await problemsOf(
    '[trial]\ntime = 10\n\n[program]\nstop = "soon"\nretsart = "never"\n[deposit]\nports = [21, 0.5]\n',
  )
  assert.deepEqual(found, [
    '2: trial.time: expected a duration such as "10s", "250ms", "5min" or "1h", found 10',
    '5: program.stop: expected a duration such as "10s", "250ms", "5min" or "1h", found "soon"',
    '6: program.retsart: there is no such setting; did you mean program.restart?',
    '8: deposit.ports[1]: expected a whole number from 1 to 65535, found 0.5',
  ])
})

test('a mistake in an inline table or an array of tables has the line in which that begins', async () => {
  const found = await problemsOf(
    '\nprogram = { stapp = "1s" }\n[[trial]]\ntime = "1s"\n[[hooks.committed]]\na = 1\n',
  )
  assert.deepEqual(found, [
    '2: program.stapp: there is no such setting; did you mean program.start?',
    '3: trial: expected a table, found a list',
    '5: hooks.committed[0]: expected a text in quotes, found a table',
  ])
  const both = await problemsOf('\nhealth = { tcp = "80", http = "http://a/" }\n')
  assert.deepEqual(both, ['2: health.tcp: health.http is set too; only one of them can be'])
})

test('a schedule that cannot be is a mistake in the settings', async () => {
  const { git } = await configOf('[git]\nschedule = "0 2 * * *"\nrandom_delay = "0s"\n')
  assert.deepEqual([git.schedule, git.randomDelayMs], ['0 2 * * *', 0])
  const wrong = async (schedule: string) => problemsOf(`[git]\nschedule = "${schedule}"\n`)
  assert.deepEqual(await wrong('at night'), [
    '2: git.schedule: expected five fields as in a crontab, such as "0 2 * * *", found "at night"',
  ])
  assert.deepEqual(await wrong('0 2 31 2 *'), [
    '2: git.schedule: expected a schedule that falls due some day, found "0 2 31 2 *"',
  ])
  const both = '[git]\nevery = "5min"\nschedule = "0 2 * * *"\n'
  const tooMany = '3: git.schedule: git.every is set too; only one of them can be'
  assert.deepEqual(await problemsOf(both), [tooMany])
  await configOf('[git]\nevery = "5min"\nschedule = ""\n')
})

const nearest: Readonly<Record<string, string | null>> = {
  '[trail]\ntime = "1s"': 'trial',
  '[trial]\ntme = "1s"': 'trial.time',
  '[deposit]\nquiet_ms = "1s"': 'deposit.quiet',
  '[deposit]\nquietMs = 1': 'deposit.quiet',
  '[trial]\nquiet = "1s"': 'deposit.quiet',
  'restart = "never"': 'program.restart',
  '[program]\nuser_name = "x"': null,
  '[program]\nx = 1': null,
  [`${'a'.repeat(1_000)} = 1`]: null,
}

for (const [text, name] of Object.entries(nearest)) {
  test(`an unknown key: ${text.slice(0, 30)} → ${name ?? 'nothing is near'}`, async () => {
    const [found = ''] = await problemsOf(text)
    const ending = name === null ? 'there is no such setting' : `did you mean ${name}?`
    assert.ok(found.endsWith(ending), found)
    assert.ok(found.length < 200, found)
  })
}

const duration = 'a duration such as "10s", "250ms", "5min" or "1h"'
const size = 'a size such as "64kB", "10MB" or "1GB"'

/** What is refused, and what was expected and found. */
const refused: Readonly<Record<string, string>> = {
  'trial.time = "10"': `${duration}, found "10"`,
  'trial.time = "10 s"': `${duration}, found "10 s"`,
  'trial.time = "10MB"': `${duration}, found "10MB"`,
  'trial.time = "-1s"': `${duration}, found "-1s"`,
  'trial.time = true': `${duration}, found true`,
  'trial.time = []': `${duration}, found a list`,
  'trial.time = {}': `${duration}, found a table`,
  'trial.time = 1979-05-27': `${duration}, found a date`,
  'trial.time = nan': `${duration}, found NaN`,
  'trial.time = "597h"': 'a duration of 596h at most, found "597h"',
  'trial.time = "1e9h"': `${duration}, found "1e9h"`,
  'deposit.quiet = "61min"': 'a duration of 1h at most, found "61min"',
  'deposit.tick = "0s"': 'a duration longer than zero, found "0s"',
  'deposit.tick = "0.1ms"': 'a duration longer than zero, found "0.1ms"',
  'log.max_line = "0B"': 'a size of 1B or more, found "0B"',
  'log.max_line = "10s"': `${size}, found "10s"`,
  'log.max_line = 10': `${size}, found 10`,
  'program.crash_limit = 0': 'a whole number from 1 to 1000000000, found 0',
  'program.crash_limit = -5': 'a whole number from 1 to 1000000000, found -5',
  'program.crash_limit = 1.5': 'a whole number from 1 to 1000000000, found 1.5',
  'program.crash_limit = inf': 'a whole number from 1 to 1000000000, found Infinity',
  'program.backoff_jitter = 1.1': 'a number from 0 to 1, found 1.1',
  'deposit.tick_share = 0.0': 'a number from 0.001 to 1, found 0',
  'deposit.wait_for_session_end = "yes"': 'true or false, found "yes"',
  'deposit.ports = 21': 'a list, in [ ], found 21',
  'deposit.ports = [65536]': 'a whole number from 1 to 65535, found 65536',
  'verify.imports = "warning"': 'one of "warn", "strict", "ignore", found "warning"',
  'program.restart = "Always"': 'one of "on-failure", "always", "never", found "Always"',
  'program.entry = "../x.py"': 'a path inside main, such as "main.py", found "../x.py"',
  'program.entry = "/x.py"': 'a path inside main, such as "main.py", found "/x.py"',
  'program.entry = "-c"': 'a path inside main, such as "main.py", found "-c"',
  'program.entry = ""': 'a path inside main, such as "main.py", found ""',
  'program.python = "-c"': 'a command or a path, found "-c"',
  'program.cwd = ""': 'the path of a folder, found ""',
  'program.args = ["a\\u0000b"]': 'a text in quotes, found "a\\u0000b"',
  'program.args = [1]': 'a text in quotes, found 1',
  'program.user = 1000': 'the name or number of a user or group, in quotes, found 1000',
  'program.user = "a b"': 'the name or number of a user or group, in quotes, found "a b"',
  'deposit.manifest = ""': 'the name of a file, without /, found ""',
  'deposit.manifest = ".."': 'the name of a file, without /, found ".."',
  'deposit.result_file = "a/b"': 'the name of a file, without /, or "" for none, found "a/b"',
  'deposit.archives = ["a.rar"]': 'the name of a .zip, .tar.gz or .tgz, without /, found "a.rar"',
  'deposit.ignore = ["a/*"]':
    'a name without /, with * for any text three times at most, found "a/*"',
  'deposit.ignore = ["*a*b*c*"]':
    'a name without /, with * for any text three times at most, found "*a*b*c*"',
  'deposit.keep = [""]': 'a name without /, with * for any text three times at most, found ""',
  'program = 5': 'a table, found 5',
  '[[program]]': 'a table, found a list',
}

for (const [text, message] of Object.entries(refused)) {
  test(`refused: ${text}`, async () => {
    const [found = '', ...others] = await problemsOf(text)
    assert.deepEqual(others, [])
    assert.ok(found.endsWith(`: expected ${message}`), found)
  })
}

test('settings that contradict each other are refused', async () => {
  assert.deepEqual(await problemsOf('[program]\nstop = "1s"\nbackoff = "2min"'), [
    '3: program.backoff: it is longer than program.backoff_max',
  ])
  assert.equal((await configOf('[program]\nbackoff = "1min"')).program.backoffMs, 60_000)
})

test('the value of a variable is in no message: it may be a secret', async () => {
  const texts = {
    '[program.env]\nKEY = 12345': '2: program.env.KEY: expected a text in quotes, found a number',
    'program.env = "12345"': '1: program.env: expected a table, such as { NAME = "value" }, found',
    '[program.env]\n"A B" = "12345"': '2: program.env."A B": expected the name of a variable',
    '[program.env]\nOTA_SUPERVISOR_RUN_ID = "12345"':
      '2: program.env.OTA_SUPERVISOR_RUN_ID: expected the name of a variable',
    '[program.env]\nKEY = "12345': '2: this is not TOML: ',
    '[program.env]\n__proto__ = "12345"': '2: this is not TOML: ',
  }
  for (const [text, message] of Object.entries(texts)) {
    const found = await problemsOf(text)
    assert.ok(found[0]?.startsWith(message), found[0])
    assert.doesNotMatch(found.join(), /12345/)
  }
})

test('of very many mistakes the first are told', async () => {
  const text = Array.from({ length: 5_000 }, (_, index) => `key${index} = 1`).join('\n')
  const found = await problemsOf(text)
  assert.equal(found.length, 20)
  assert.match(found[0] ?? '', /^1: key0: /)
})

/** What is wrong with the file of a project. */
async function failureIn(dir: string): Promise<string> {
  const error = await loadSettings(dir).then(
    () => assert.fail('accepted'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof OperationalError, String(error))
  assert.equal(error.code, 'ECONFIG')
  return error.message
}

async function emptyProject(t: TestContext): Promise<{ dir: string; path: string }> {
  const dir = join(await makeProject(t), 'project')
  await mkdir(dir)
  return { dir, path: join(dir, 'supervisor.toml') }
}

test('a folder, a pipe or a device in the place of the file is told, and waited for by nobody', async (t) => {
  const { dir, path } = await emptyProject(t)
  await mkdir(path)
  assert.equal(await failureIn(dir), `${path} cannot be read: it is a folder`)
  const second = await emptyProject(t)
  execFileSync('mkfifo', [second.path])
  assert.equal(await failureIn(second.dir), `${second.path} cannot be read: it is not a file`)
  const third = await emptyProject(t)
  await symlink('/dev/zero', third.path)
  assert.equal(await failureIn(third.dir), `${third.path} cannot be read: it is not a file`)
})

test('a link is followed; one that leads nowhere, or to itself, is no missing file', async (t) => {
  const { dir, path } = await emptyProject(t)
  await writeFile(join(dir, 'real.toml'), '[trial]\ntime = "7s"\n')
  await symlink('real.toml', path)
  assert.equal((await loadConfig(dir)).trial.ms, 7_000)
  const second = await emptyProject(t)
  await symlink('nowhere.toml', second.path)
  assert.match(await failureIn(second.dir), /cannot be read: it is a link that leads nowhere/)
  const third = await emptyProject(t)
  await symlink('supervisor.toml', third.path)
  assert.match(await failureIn(third.dir), /cannot be read: ELOOP/)
})

test('a file that is much too long, or no text, is told', async (t) => {
  const { dir, path } = await emptyProject(t)
  await writeFile(path, Buffer.alloc(10_000_000, '#'))
  assert.equal(await failureIn(dir), `${path} cannot be read: it has more than 256000 bytes`)
  await writeFile(path, Buffer.from('\uFEFF[trial]', 'utf16le'))
  assert.equal(await failureIn(dir), `${path} cannot be read: it is not a text in UTF-8`)
})

test('a file that this user may not read is told', async (t) => {
  const { dir, path } = await emptyProject(t)
  if (process.getuid?.() === 0) return t.skip('root may read everything')
  await writeFile(path, '')
  await chmod(path, 0)
  assert.match(await failureIn(dir), /cannot be read: EACCES/)
})

test('without a file, or without a folder, all are the defaults', async (t) => {
  const { dir } = await emptyProject(t)
  assert.deepEqual(await loadSettings(dir), { config: defaults, given: new Map() })
  assert.deepEqual(await loadConfig(join(dir, 'nothing')), defaults)
})
