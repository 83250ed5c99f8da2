import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClockFacts, judgeClock } from '../../src/doctor/clock.ts'
import { judgeCommand } from '../../src/doctor/commands.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { judgeInotify } from '../../src/doctor/inotify.ts'
import { judgeMemory } from '../../src/doctor/memory.ts'
import { isOlder, judgeNode } from '../../src/doctor/node.ts'
import { judgePower } from '../../src/doctor/power.ts'
import { judgePython } from '../../src/doctor/python.ts'
import { parseTimedatectl } from '../../src/system/synchronised.ts'
import { someMachine, users } from '../harness/patient.ts'

const machine = someMachine()
const asPi = someMachine({ self: users.pi })

function isOk({ state, fix }: Finding): void {
  assert.deepEqual([state, fix], ['ok', undefined])
}

test('versions are compared as numbers, part by part', () => {
  assert.equal(isOlder('20.19.0', '20.19.0'), false)
  assert.equal(isOlder('20.9.0', '20.19.0'), true)
  assert.equal(isOlder('22.0.0', '20.19.0'), false)
  assert.equal(isOlder('3.7.16', '3.8'), true)
  assert.equal(isOlder('3.10.0', '3.8'), false)
  assert.equal(isOlder('20', '20.19.0'), true)
})

test('a Node that is too old is an error, with the way to a newer one', () => {
  isOk(judgeNode('20.19.0', '>=20.19.0', machine))
  const old = judgeNode('18.19.1', '>=20.19.0', asPi)
  assert.equal(old.state, 'error')
  assert.match(old.text, /18\.19\.1 .* 20\.19\.0/)
  assert.match(old.fix ?? '', /\| sudo bash - && sudo apt install nodejs$/)
  assert.equal(judgeNode('18.19.1', '>=20.19.0', someMachine({ hasApt: false })).fix, undefined)
})

const debian = { path: '/usr/bin/python3', version: '3.11.2', searchPath: [], abi: '' }

const pip = '/usr/share/python-wheels/pip.whl/pip'

test('Python must be not too old, and able to import what is asked of it', () => {
  for (const finding of judgePython({ interpreter: debian, missing: [], pip }, machine))
    isOk(finding)
  const [old] = judgePython(
    { interpreter: { ...debian, version: '3.7.3' }, missing: [], pip },
    machine,
  )
  assert.equal(old?.state, 'warning')
  const [lacking] = judgePython({ interpreter: debian, missing: ['lzma', 'ctypes'], pip }, machine)
  assert.deepEqual(
    [lacking?.state, lacking?.text, lacking?.fix],
    ['error', 'Python cannot import ctypes, lzma: checks fail', 'apt install python3'],
  )
})

test('what makes environments is warned of only, and installed only for the Python of the system', () => {
  const [python, venv] = judgePython({ interpreter: debian, missing: [], pip: null }, asPi)
  assert.equal(python?.state, 'ok')
  assert.equal(venv?.state, 'warning')
  assert.equal(venv?.fix, 'sudo apt install python3-venv')
  const own = { ...debian, path: '/opt/python/bin/python3' }
  const [, without] = judgePython({ interpreter: own, missing: ['venv'], pip }, asPi)
  assert.deepEqual([without?.state, without?.fix], ['warning', undefined])
})

test('a missing command is as bad as what cannot be done without it', () => {
  const setpriv = { name: 'setpriv', package: 'util-linux', without: 'warning' } as const
  isOk(judgeCommand(setpriv, true, asPi))
  const missing = judgeCommand(setpriv, false, asPi)
  assert.deepEqual([missing.state, missing.fix], ['warning', 'sudo apt install util-linux'])
  const flock = { name: 'flock', package: 'util-linux', without: 'error' } as const
  assert.equal(judgeCommand(flock, false, asPi).state, 'error')
  assert.equal(judgeCommand(flock, false, someMachine({ hasApt: false })).fix, undefined)
})

test('memory that is nearly used up is warned of; swap counts, and can be added where there is none', () => {
  const meminfo = (available: number, swapTotal: number, swapFree: number) =>
    [
      'MemTotal:         440000 kB',
      'MemFree:            1000 kB',
      `MemAvailable:    ${available} kB`,
      `SwapTotal:       ${swapTotal} kB`,
      `SwapFree:        ${swapFree} kB`,
      '',
    ].join('\n')
  isOk(judgeMemory(meminfo(200_000, 0, 0), machine))
  isOk(judgeMemory(meminfo(20_000, 100_000, 100_000), machine))
  const none = judgeMemory(meminfo(20_000, 0, 0), asPi)
  assert.equal(none.state, 'warning')
  assert.match(none.fix ?? '', /^sudo fallocate .* sudo swapon \/swapfile && echo .*fstab$/)
  const full = judgeMemory(meminfo(20_000, 100_000, 1_000), asPi)
  assert.deepEqual([full.state, full.fix], ['warning', undefined])
})

test('the bits of get_throttled', () => {
  isOk(judgePower('throttled=0x0'))
  assert.match(judgePower('throttled=0x50005\n').text, /under-voltage:/)
  assert.match(judgePower('throttled=0x50000').text, /under-voltage since the boot/)
  assert.match(judgePower('throttled=0x80008').text, /too hot/)
  isOk(judgePower('throttled=0x80000'))
  assert.equal(judgePower('VCHI initialization failed').state, 'unknown')
})

test('a clock that is wrong, not kept right, or set back by a power cut', () => {
  const right: ClockFacts = { year: 2026, sync: 'yes', isKept: true }
  isOk(judgeClock(right, machine))
  const fixOf = (odd: Partial<ClockFacts>) => {
    const { state, fix } = judgeClock({ ...right, ...odd }, machine)
    return [state, fix]
  }
  assert.deepEqual(fixOf({ sync: 'off' }), ['warning', 'timedatectl set-ntp true'])
  assert.deepEqual(fixOf({ sync: 'no' }), ['warning', 'systemctl restart systemd-timesyncd'])
  assert.deepEqual(fixOf({ sync: 'no service' }), ['warning', 'apt install systemd-timesyncd'])
  assert.deepEqual(fixOf({ isKept: false }), ['warning', 'apt install fake-hwclock'])
  assert.deepEqual(fixOf({ sync: null }), ['unknown', undefined])
  assert.match(judgeClock({ ...right, year: 1970, sync: 'off' }, machine).text, /1970/)
  const bare = someMachine({ hasSystemd: false })
  assert.equal(judgeClock({ ...right, sync: 'no service' }, bare).fix, 'apt install chrony')
})

test('what timedatectl shows', () => {
  const shown = (can: string, ntp: string, synchronised: string) =>
    `Timezone=UTC\nCanNTP=${can}\nNTP=${ntp}\nNTPSynchronized=${synchronised}\n`
  assert.equal(parseTimedatectl(shown('yes', 'yes', 'yes')), 'yes')
  assert.equal(parseTimedatectl(shown('no', 'no', 'yes')), 'yes')
  assert.equal(parseTimedatectl(shown('yes', 'yes', 'no')), 'no')
  assert.equal(parseTimedatectl(shown('yes', 'no', 'no')), 'off')
  assert.equal(parseTimedatectl(shown('no', 'no', 'no')), 'no service')
})

test('inotify: trying says more than the limits, and a limit is never lowered', () => {
  const enough = { watches: 65_536, instances: 128, tried: 'ok' } as const
  isOk(judgeInotify(enough, machine))
  isOk(judgeInotify({ ...enough, tried: null }, machine))
  assert.match(judgeInotify({ ...enough, watches: 1_000 }, machine).fix ?? '', /=65536 \|/)
  const usedUp = judgeInotify({ ...enough, watches: 100_000, tried: 'ENOSPC' }, asPi)
  assert.equal(
    usedUp.fix,
    'echo fs.inotify.max_user_watches=200000 | sudo tee -a /etc/sysctl.d/60-inotify.conf' +
      ' && sudo sysctl -p /etc/sysctl.d/60-inotify.conf',
  )
  assert.match(judgeInotify({ ...enough, tried: 'EMFILE' }, machine).fix ?? '', /instances=512/)
})
