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

test('the settings of the README are accepted as they stand there', async (t) => {
  const dir = await makeProject(t)
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  const example = /```toml\n(.*?)```/s.exec(readme)?.[1]
  assert.ok(example)
  await writeFile(join(dir, 'supervisor.toml'), example)
  await loadConfig(dir)
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
