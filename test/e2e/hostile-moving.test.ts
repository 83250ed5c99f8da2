import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Corpus, type Place, testCorpus, tree } from '../harness/hostile.ts'

const committed = { says: /committed/, becomes: 'committed' } as const

/** Does something to the deposit every few milliseconds for a while, whatever the daemon does. */
async function hammer(place: Place, what: (deposit: string, round: number) => void): Promise<void> {
  const deposit = join(place.dir, 'deposit')
  for (let round = 1; round <= rounds; round += 1) {
    try {
      what(deposit, round)
    } catch {
      // The daemon has just taken it.
    }
    await sleep(4)
  }
}

const rounds = 300

const moving: Corpus = {
  'a file that changes all the time': {
    ...committed,
    make: (place) => hammer(place, (deposit, n) => writeFileSync(join(deposit, 'h.txt'), `${n}`)),
  },
  'a file that comes and goes': {
    ...committed,
    make: (place) =>
      hammer(place, (deposit, n) => {
        if (n % 60 < 50 || n === 300) writeFileSync(join(deposit, 'v.txt'), 'v')
        else unlinkSync(join(deposit, 'v.txt'))
      }),
  },
  'a file that is a folder now and then': {
    says: /r\d+: (committed|rejected)/,
    becomes: 'any',
    check: ({ dir }) => rmSync(join(dir, 'deposit/turns'), { recursive: true, force: true }),
    make: (place) =>
      hammer(place, (deposit, n) => {
        if (n % 70 !== 0) return
        rmSync(join(deposit, 'turns'), { recursive: true, force: true })
        if (n === 140) mkdirSync(join(deposit, 'turns'))
        else writeFileSync(join(deposit, n === 70 ? 'turns' : 'turned'), '')
      }),
  },
  'a folder that is a link to the outside now and then': {
    make: async (place) => {
      await tree({ 'swap/secret.txt': 'mine' })(place)
      await hammer(place, (deposit, n) => {
        if (n % 2 === 0) {
          renameSync(join(deposit, 'swap'), join(place.dir, 'swap-away'))
          symlinkSync(place.outside, join(deposit, 'swap'))
        } else {
          unlinkSync(join(deposit, 'swap'))
          renameSync(join(place.dir, 'swap-away'), join(deposit, 'swap'))
        }
      })
    },
    says: /r\d+: (committed|rejected)/,
    becomes: 'any',
    check: ({ dir }) => {
      for (const place of ['deposit/swap', 'swap-away', 'main/swap']) {
        rmSync(join(dir, place), { recursive: true, force: true })
      }
    },
  },
}

/** Whom the daemon of these rows runs as, and somebody else. */
const [user, other] = [65_534, 12_345]

/** Gives what a row has made to the daemon's user, but for what `mine` names. */
function give(path: string, uid: number): void {
  chownSync(path, uid, uid)
}

const rights: Corpus = {
  'a file that nobody may read': {
    ...committed,
    make: async (place) => {
      await tree({ 'closed.txt': 'x' })(place)
      give(join(place.upload, 'closed.txt'), user)
      chmodSync(join(place.upload, 'closed.txt'), 0)
    },
  },
  'a program that nobody may read': {
    make: async (place) => {
      await tree({ 'closed.py': 'x = 1\n' })(place)
      give(join(place.upload, 'closed.py'), user)
      chmodSync(join(place.upload, 'closed.py'), 0)
    },
    says: /closed\.py: PermissionError/,
    becomes: 'held',
  },
  'a folder of ours that is closed': {
    ...committed,
    make: async (place) => {
      await tree({ 'shut/in.txt': 'x' })(place)
      for (const path of ['shut/in.txt', 'shut']) give(join(place.upload, path), user)
      chmodSync(join(place.upload, 'shut'), 0)
    },
  },
  'a folder of ours that cannot be emptied': {
    ...committed,
    make: async (place) => {
      await tree({ 'firm/in.txt': 'x' })(place)
      for (const path of ['firm/in.txt', 'firm']) give(join(place.upload, path), user)
      chmodSync(join(place.upload, 'firm'), 0o555)
    },
  },
  "somebody else's folder that is closed": {
    make: async (place) => {
      await tree({ 'theirs/in.txt': 'x' })(place)
      give(join(place.upload, 'theirs'), other)
      chmodSync(join(place.upload, 'theirs'), 0o700)
    },
    says: /the folder theirs in the deposit cannot be read or emptied/,
    becomes: 'left',
  },
  "somebody else's folder that cannot be emptied": {
    make: async (place) => {
      await tree({ 'fixed/in.txt': 'x' })(place)
      give(join(place.upload, 'fixed'), other)
      chmodSync(join(place.upload, 'fixed'), 0o755)
    },
    says: /the folder fixed in the deposit cannot be read or emptied/,
    becomes: 'left',
  },
  "somebody else's .git": {
    make: async (place) => {
      await tree({ '.git/config': 'x', 'a/__pycache__/x.pyc': 'x' })(place)
      give(join(place.upload, 'a'), user)
      chmodSync(join(place.upload, '.git'), 0o755)
    },
    says: /the folder \.git in the deposit cannot be read or emptied/,
    becomes: 'left',
  },
  'a manifest that nobody may read': {
    make: async (place) => {
      await tree({ 'm.txt': 'x', SHA256SUMS: 'x' })(place)
      for (const name of ['m.txt', 'SHA256SUMS']) give(join(place.upload, name), user)
      chmodSync(join(place.upload, 'SHA256SUMS'), 0)
    },
    says: /SHA256SUMS cannot be read/,
    becomes: 'rejected',
  },
}

testCorpus('hostile deposits that move', moving)
testCorpus('hostile rights', rights, {}, user)
