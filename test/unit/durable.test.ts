import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { command } from '../../src/system/command.ts'
import { disk } from '../../src/system/disk.ts'
import { syncSmallTree } from '../../src/system/durable.ts'
import { makeFolder } from '../harness/tools.ts'

test('a small tree is made durable by itself, whatever lies in it', async (t) => {
  const folder = await makeFolder(t)
  mkdirSync(join(folder, 'below/deeper'), { recursive: true })
  writeFileSync(join(folder, 'below/deeper/file'), 'text')
  symlinkSync('nowhere', join(folder, 'below/link'))
  // Opening it would wait for a writer.
  await command('mkfifo', [join(folder, 'fifo')])
  assert.equal(await syncSmallTree(folder), true)
})

test('a large one is not, nor what is not there: then the whole file system is', async (t) => {
  const folder = await makeFolder(t)
  assert.equal(await syncSmallTree(join(folder, 'missing')), false)
  mkdirSync(join(folder, 'below'))
  for (let number = 0; number < 14; number += 1) writeFileSync(join(folder, `below/${number}`), '')
  assert.equal(await syncSmallTree(folder), true)
  writeFileSync(join(folder, 'one more'), '')
  assert.equal(await syncSmallTree(folder), false)
  await disk.syncTree(folder)
  await assert.rejects(disk.syncTree(join(folder, 'missing')), /could not make .*missing durable/)
})
