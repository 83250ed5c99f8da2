import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../harness/daemon.ts'
import { type Corpus, type Hostile, type Place, testCorpus } from '../harness/hostile.ts'

const script = fileURLToPath(new URL('../../../test/fixtures/evil-archives.py', import.meta.url))
const archives = mkdtempSync(join(tmpdir(), 'ota-archives-'))

before(() => {
  execFileSync('python3', ['-W', 'ignore', script, archives], { env: cleanEnvironment() })
})
after(() => rmSync(archives, { recursive: true, force: true }))

/** Nothing may have been unpacked beside the folder it belongs in. */
function nothingSlipped({ dir }: Place): void {
  for (const place of ['..', '.', '.supervisor', '.supervisor/releases', 'main', 'deposit']) {
    assert.ok(!existsSync(join(dir, place, 'slipped.txt')), `it slipped into ${place}`)
  }
  assert.ok(!existsSync('/tmp/ota-slipped.txt'), 'it slipped into /tmp')
}

function row(from: string, says: RegExp, becomes: Hostile['becomes'] = 'rejected'): Hostile {
  const to = from.endsWith('.zip') ? 'deposit.zip' : 'deposit.tgz'
  return {
    make: ({ upload }) => copyFileSync(join(archives, from), join(upload, to)),
    says,
    becomes,
    check: nothingSlipped,
  }
}

const zips: Corpus = {
  'a zip that leads out of its folder': row('slip.zip', /deposit\.zip: .*would leave the folder/),
  'a zip that leads out from below': row('slip-deep.zip', /would leave the folder/),
  'a zip with an absolute name': row('absolute.zip', /would leave the folder/),
  'a zip with a backslash name': row('backslash.zip', /would leave the folder/),
  'a zip with a drive letter': row('drive.zip', /would leave the folder/),
  'a zip with dots in its names': row('dots.zip', /would leave the folder/),
  'a zip with a link and a file through it': row('link.zip', /'to' is a link or a special file/),
  'a zip with a pipe': row('fifo.zip', /'pipe' is a link or a special file/),
  'a zip bomb by ratio': row('ratio.zip', /unpacks to more than \d+ bytes/),
  'a zip bomb by count': row('count.zip', /more than 2000 entries/),
  'a zip bomb by size': row('size.zip', /unpacks to more than 30000000 bytes/),
  'a zip with a name twice': row('twice.zip', /'a\.txt' is in it twice/),
  'a zip with a file and a folder of one name': row('both.zip', /is a file and a folder in it/),
  'the same, the folder first': row('both-other-way.zip', /is a file and a folder in it/),
  'a zip with nothing in it': row('nothing.zip', /deposit\.zip: there is no file in it/),
  'a zip with a name of 300 bytes': row('long.zip', /'nnn.*this name is too long/),
  'a zip with the name of our own folder': row('own.zip', /the name \.supervisor belongs to/),
  'a zip with a NUL in a name': row('nul.zip', /committed/, 'committed'),
  'an encrypted zip': row('encrypted.zip', /is encrypted/),
  'a zip whose directory lies about sizes': row('lies.zip', /cut off or damaged/, 'held'),
  'a zip with a wrong sum': row('wrong-sum.zip', /cut off or damaged: Bad CRC/, 'held'),
  'a zip that is cut off': row('cut.zip', /deposit\.zip is cut off or damaged/, 'held'),
  'a zip whose end lies about its directory': row('flood.zip', /cut off or damaged/, 'held'),
  'a zip of no bytes': row('empty.zip', /cut off or damaged/, 'held'),
  'a zip that is garbage': row('garbage.zip', /cut off or damaged/, 'held'),
  'a zip in a zip is just a file': {
    ...row('nested.zip', /committed/, 'committed'),
    check: ({ dir }) => assert.ok(existsSync(join(dir, 'main/deposit.zip'))),
  },
  'a zip with a broken program and a .hold goes back as it came': row(
    'markers.zip',
    /broken\.py, line 1: SyntaxError/,
    'held',
  ),
  'a zip with a SHA256SUMS': row('manifest.zip', /committed/, 'committed'),
  'a zip with a result file': row('result.zip', /committed/, 'committed'),
  'a zip with a whiteout of nothing': row('whiteout.zip', /nothing of that name/, 'committed'),
  'a zip with a whiteout of the parent': row('whiteout-up.zip', /is not a whiteout/),
}

const tars: Corpus = {
  'a tar that leads out of its folder': row('t-slip.tgz', /deposit\.tgz: .*would leave the folder/),
  'a tar with an absolute name': row('t-absolute.tgz', /would leave the folder/),
  'a tar with a link and a file through it': row('t-link.tgz', /'to' is a link or a special/),
  'a tar with a hard link': row('t-hard.tgz', /'secret' is a link or a special file/),
  'a tar with a pipe': row('t-fifo.tgz', /'pipe' is a link or a special file/),
  'a tar with a device': row('t-device.tgz', /'null' is a link or a special file/),
  'a tar with a file and a folder of one name': row('t-both.tgz', /is a file and a folder in it/),
  'a tar with a folder, then a file': row('t-both-other-way.tgz', /is a file and a folder in it/),
  'a tar with a name twice': row('t-twice.tgz', /is in it twice/),
  'a tar with a name that is not UTF-8': row('t-bytes.tgz', /its name is not UTF-8/),
  'a tar with a name of 300 bytes': row('t-long.tgz', /this name is too long/),
  'a tar 1,800 folders deep': row('t-deep.tgz', /this name is too long/),
  'a tar with the name of our own folder': row('t-own.tgz', /the name \.supervisor belongs to/),
  'a tar bomb by ratio': row('t-ratio.tgz', /unpacks to more than \d+ bytes/),
  'a tar with nothing in it': row('t-nothing.tgz', /there is no file in it/),
  'a tar whose names upset terminals': row('t-break.tgz', /two\\nlines\\x1b\[2J/),
  'a tar that is cut off': row('t-cut.tgz', /deposit\.tgz is cut off or damaged/, 'held'),
  'a tar of no bytes': row('t-empty.tgz', /cut off or damaged/, 'held'),
  'a tar that is garbage': row('t-garbage.tgz', /cut off or damaged/, 'held'),
  'gzip that is no tar': row('t-no-tar.tgz', /cut off or damaged/, 'held'),
  'gzip that is nearly a tar': row('t-half-garbage.tgz', /cut off or damaged/, 'held'),
  'a tar with garbage behind it': row('t-trailing.tgz', /cut off or damaged/, 'held'),
  'a tar.gz': {
    ...row('t-plain.tgz', /committed/, 'committed'),
    make: ({ upload }) =>
      copyFileSync(join(archives, 't-plain.tgz'), join(upload, 'deposit.tar.gz')),
  },
}

const limits = { verify: { max_entries: 2000, max: '30MB' } }

testCorpus('hostile zips', zips, limits)
testCorpus('hostile tars', tars, limits)
