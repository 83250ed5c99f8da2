import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCloses } from '../../src/system/journal.ts'

/** Lines as `journalctl -o short-unix` prints them; each is what a process said. */
function cutOff(...said: readonly (readonly [pid: number, text: string])[]): string[] {
  const lines = said.map(
    ([pid, text], index) => `1795307000.${index}00000 pi internal-sftp[${pid}]: ${text}\n`,
  )
  return [...parseCloses(lines.join('')).keys()]
}

const path = '/home/pi/deposit/main.py'
const open = `open "${path}" flags WRITE,CREATE,TRUNCATE mode 0644`
const close = `close "${path}" bytes read 0 written 900000`
const forced = `forced close "${path}" bytes read 0 written 262144`

test('a forced close is a file that was cut off', () => {
  assert.deepEqual(cutOff([7, open], [7, forced]), [path])
  assert.deepEqual(cutOff([7, forced]), [path], 'its beginning is not known')
  assert.deepEqual(cutOff([7, open], [7, close]), [])
  assert.deepEqual(cutOff([7, open]), [])
})

test('the time is when it was cut off, or renamed after that', () => {
  const cut = `1795307000.250000 pi sftp-server[7]: ${forced}\n`
  const moved = `1795307009.500000 pi sftp-server[8]: rename old "${path}" new "/d/b"\n`
  assert.deepEqual([...parseCloses(cut)], [[path, 1_795_307_000_250]])
  assert.deepEqual([...parseCloses(cut + moved)], [['/d/b', 1_795_307_009_500]])
})

test('who uploads it again mends it', () => {
  assert.deepEqual(cutOff([7, open], [7, forced], [8, open]), [])
  assert.deepEqual(cutOff([7, open], [7, forced], [8, open], [8, close]), [])
  const resumed = `open "${path}" flags WRITE mode 0644`
  assert.deepEqual(cutOff([7, open], [7, forced], [8, resumed], [8, close]), [])
  assert.deepEqual(cutOff([7, open], [7, forced], [8, open], [8, forced]), [path])
})

test('a dead connection that times out later does not count', () => {
  assert.deepEqual(cutOff([7, open], [8, open], [8, close], [7, forced]), [])
  assert.deepEqual(cutOff([7, open], [8, open], [7, close], [8, forced]), [path])
})

test('a download is no upload', () => {
  const read = `open "${path}" flags READ mode 0666`
  const whole = `close "${path}" bytes read 262144 written 0`
  const broken = `forced close "${path}" bytes read 32768 written 0`
  assert.deepEqual(cutOff([7, open], [7, close], [8, read], [8, broken]), [])
  assert.deepEqual(cutOff([7, open], [7, close], [7, read], [7, broken]), [])
  assert.deepEqual(cutOff([8, broken]), [])
  assert.deepEqual(cutOff([7, open], [7, forced], [8, read], [8, whole]), [path])
  assert.deepEqual(cutOff([7, forced], [8, whole]), [path])
})

test('a rename takes what is known along', () => {
  const rename = 'rename old "/d/.in.a" new "/d/a"'
  const posixRename = `posix-${rename}`
  const cut = (name: string) => `forced close "/d/${name}" bytes read 0 written 1`
  assert.deepEqual(cutOff([7, cut('a')], [8, rename]), [])
  assert.deepEqual(cutOff([7, cut('.in.a')], [8, posixRename]), ['/d/a'])
})

test('names are what the client sent', () => {
  const cut = (name: string) => cutOff([7, `forced close "${name}" bytes read 0 written 1`])
  assert.deepEqual(cut('/d/gr\\303\\274n \\342\\202\\254.py'), ['/d/grün €.py'])
  assert.deepEqual(cut('/d/a\\\\303.py'), ['/d/a\\303.py'])
  assert.deepEqual(cut('/d/a\\nb\\tc'), ['/d/a\nb\tc'])
  assert.deepEqual(cut('/d/say "hi" twice'), ['/d/say "hi" twice'])
  assert.deepEqual(cut('/d/.//sub/../a'), ['/d/a'])
  assert.deepEqual(cut('a.py'), ['a.py'])
})

test('other lines say nothing', () => {
  assert.deepEqual(cutOff([7, 'session opened for local user pi from [10.0.0.2]']), [])
  assert.deepEqual(cutOff([7, 'forced closedir "/home/pi/deposit"']), [])
  assert.deepEqual([...parseCloses(`${forced}\n-- No entries --\n`)], [])
})
