import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import type { Hold, Session } from '../../src/model.ts'
import type { Entry, Snapshot } from '../../src/source/deposit/scan.ts'
import { firstHold, type Look, orphans, type Seen, see } from '../../src/source/deposit/settle.ts'

const limits = defaults.deposit
const session: Session = { pid: 7, name: 'sftp-server', uid: 1000 }

/** A look at a deposit; without more it holds one file and nobody is near. */
function look(more: {
  print?: string
  busy?: string[]
  hasUnknown?: boolean
  of?: Session[]
  ends?: string[]
  hidden?: boolean
  temporary?: Entry[]
  hold?: string
  hasGo?: boolean
}): Look {
  const snapshot: Snapshot = {
    entries: [],
    closed: [],
    temporary: more.temporary ?? [],
    junk: [],
    manifest: null,
    hold: more.hold ?? null,
    hasGo: more.hasGo ?? false,
    fingerprint: 'a',
    activity: more.print ?? 'a',
    hasContent: true,
  }
  return {
    snapshot,
    busy: more.busy ?? [],
    hasUnknown: more.hasUnknown ?? false,
    sessions: more.hidden
      ? { are: 'hidden' }
      : { are: 'visible', of: more.of ?? [], ends: new Set(more.ends) },
  }
}

function temporary(fingerprint: string): Entry {
  const path = '.in.a'
  return { path, raw: Buffer.from(path), kind: 'file', bytes: 1, uid: 0, fingerprint }
}

/** Looks at the given moments; the reason to wait after the last one. */
function holdAfter(...looks: readonly (readonly [now: number, look: Look])[]): Hold | null {
  let seen: Seen | null = null
  let hold: Hold | null = null
  for (const [now, one] of looks) {
    seen = see(seen, one, now, now)
    hold = firstHold(seen, one, now, limits)
  }
  return hold
}

const because = (hold: Hold | null) => hold?.because ?? null

test('with nobody near, the quiet period alone decides, and each change begins it anew', () => {
  const { quietMs } = limits
  assert.equal(because(holdAfter([0, look({})])), 'quiet')
  assert.equal(because(holdAfter([0, look({})], [quietMs - 1, look({})])), 'quiet')
  assert.equal(holdAfter([0, look({})], [quietMs, look({})]), null)
  const changed = look({ print: 'b' })
  assert.equal(
    because(holdAfter([0, look({})], [quietMs - 1, changed], [quietMs, changed])),
    'quiet',
  )
  assert.equal(holdAfter([0, look({})], [quietMs - 1, changed], [2 * quietMs - 1, changed]), null)
})

test('a file that somebody writes is waited for without limit, whatever else says go', () => {
  const busy = look({ busy: ['a', 'b'], hasGo: true })
  const hold = holdAfter([0, busy], [1e12, busy])
  assert.deepEqual(hold, { because: 'writer', path: 'a', others: 1 })
})

test('a marker comes before everything else', () => {
  const held = look({ hold: '.hold', busy: ['a'] })
  assert.deepEqual(holdAfter([0, held], [1e12, held]), { because: 'marker', path: '.hold' })
})

test('a temporary name holds while it changes, and is given up as an orphan afterwards', () => {
  const at = (print: string) => look({ temporary: [temporary(print)] })
  assert.equal(because(holdAfter([0, at('1')], [limits.orphanMs - 1, at('1')])), 'temporary')
  assert.equal(
    because(holdAfter([0, at('1')], [limits.orphanMs - 1, at('2')], [limits.orphanMs, at('2')])),
    'temporary',
  )
  assert.equal(holdAfter([0, at('1')], [limits.orphanMs, at('1')]), null)
  const seen = see(see(null, at('1'), 0, 0), at('1'), limits.orphanMs, limits.orphanMs)
  assert.deepEqual(orphans(seen, limits.orphanMs, limits), ['.in.a'])
})

test('a temporary name that somebody writes is not given up', () => {
  const one = look({ temporary: [temporary('1')], busy: ['.in.a'] })
  assert.equal(because(holdAfter([0, one], [limits.orphanMs * 2, one])), 'temporary')
  // Nor is it told to anyone that nobody writes it.
  const seen = see(see(null, one, 0, 0), one, limits.orphanMs, limits.orphanMs)
  assert.deepEqual(orphans(seen, limits.orphanMs, limits), [])
})

test('an upload connection holds until it ends, or has been idle for its time', () => {
  const open = look({ of: [session] })
  assert.equal(because(holdAfter([0, open], [limits.sessionQuietMs - 1, open])), 'session')
  assert.equal(holdAfter([0, open], [limits.sessionQuietMs, open]), null)
  // Ended: only the quiet period is left, counted from its end.
  assert.equal(because(holdAfter([0, open], [1_000, open], [1_100, look({})])), 'quiet')
  assert.equal(holdAfter([0, open], [1_000, open], [1_000 + limits.quietMs, look({})]), null)
})

test('with wait_for_session_end it holds until the end', () => {
  const patient = { ...limits, waitForSessionEnd: true }
  const open = look({ of: [session] })
  const seen = see(see(null, open, 0, 0), open, 1e9, 1e9)
  assert.equal(because(firstHold(seen, open, 1e9, patient)), 'session')
})

test('a go marker skips the waiting for connections, not the quiet period', () => {
  const go = look({ of: [session], hasGo: true })
  assert.equal(because(holdAfter([0, go])), 'quiet')
  assert.equal(holdAfter([0, go], [limits.quietMs, go]), null)
})

test('a connection that appeared since the batch began may bring more of it', () => {
  const before = look({ ends: ['x'] })
  const after = look({ ends: ['x', 'y'] })
  assert.equal(because(holdAfter([0, before], [100, after], [5_000, after])), 'connection')
  assert.equal(holdAfter([0, before], [100, after], [limits.connectionMs, after]), null)
  assert.equal(holdAfter([0, before], [limits.quietMs, before]), null)
})

test('where the system does not tell who writes, the connection of the owner is waited for', () => {
  const open = look({ hasUnknown: true, of: [session] })
  assert.deepEqual(holdAfter([0, open], [1e9, open]), {
    because: 'session',
    session,
    isKnown: false,
  })
  const ended = look({ hasUnknown: true })
  assert.equal(because(holdAfter([0, open], [1_000, open], [2_999, ended])), 'quiet')
  assert.equal(holdAfter([0, open], [1_000, open], [1_000 + limits.unknownQuietMs, ended]), null)
})

test('where nothing can be seen, a long quiet period is all there is, and it says so', () => {
  const blind = look({ hasUnknown: true, hidden: true })
  assert.deepEqual(holdAfter([0, blind], [limits.blindQuietMs - 1, blind]), {
    because: 'quiet',
    ms: limits.blindQuietMs,
    leftMs: 1,
    isGuess: true,
  })
  assert.equal(holdAfter([0, blind], [limits.blindQuietMs, blind]), null)
})
