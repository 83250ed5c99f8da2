import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { loadConfig } from '../../src/config-file.ts'
import { makeProject } from '../harness/project.ts'

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

test('what may be a secret in an address is not shown', async (t) => {
  const dir = await makeProject(t)
  await writeFile(join(dir, 'supervisor.toml'), '[health]\nhttp = "ftp://me:geheim@x/"\n')
  await assert.rejects(loadConfig(dir), ({ message }: Error) => !message.includes('geheim'))
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

test('no two settings have one name in the file', () => {
  for (const section of Object.values(defaults).filter((value) => typeof value === 'object')) {
    const names = Object.keys(section).map((key) => key.replace(/(Ms|Bytes)$/, ''))
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    )
  }
})
