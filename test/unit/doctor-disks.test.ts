import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ground, judgeHealth, judgeKinds } from '../../src/doctor/file-systems.ts'
import { type Mount, mountOf, parseMounts } from '../../src/doctor/mounts.ts'
import { judgeRoom, type Room } from '../../src/doctor/space.ts'
import { somePatient, users } from '../harness/patient.ts'

const mountinfo = `22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw,errors=remount-ro
30 22 0:25 / /run rw,nosuid - tmpfs tmpfs rw,size=1m
41 22 8:1 / /mnt/my\\040stick rw,relatime shared:2 - vfat /dev/sda1 rw,uid=1000
42 22 8:2 / /srv rw - ext4 /dev/sda2 rw
43 22 8:3 / /srv rw - ext4 /dev/sda3 ro
`

test('the lines of mountinfo', () => {
  const mounts = parseMounts(mountinfo)
  assert.equal(mounts.length, 5)
  assert.deepEqual(mounts[2], {
    device: '8:1',
    at: '/mnt/my stick',
    kind: 'vfat',
    source: '/dev/sda1',
    options: ['rw', 'relatime', 'rw', 'uid=1000'],
  })
})

test('a path lies on the longest mount above it, and of several there on the last', () => {
  const mounts = parseMounts(mountinfo)
  assert.equal(mountOf('/mnt/my stick/ota', mounts)?.device, '8:1')
  assert.equal(mountOf('/mnt/my stick', mounts)?.device, '8:1')
  assert.equal(mountOf('/mnt/my sticky', mounts)?.device, '179:2')
  assert.equal(mountOf('/', mounts)?.device, '179:2')
  assert.equal(mountOf('/srv/ota/main', mounts)?.device, '8:3')
})

function ground(name: Ground['name'], odd: Partial<Mount> & { errors?: number } = {}): Ground {
  const { errors = 0, ...rest } = odd
  const mount = { device: '8:1', at: '/', kind: 'ext4', source: '/dev/sda1', options: ['rw'] }
  return { name, errors, device: '/dev/sda1', mount: { ...mount, ...rest } }
}

const waysOut = { move: 'cp', overlayOff: 'raspi-config' }

function states(grounds: readonly Ground[]): string[] {
  return judgeKinds(grounds, waysOut).map(({ state, text }) => `${state}: ${text}`)
}

test('what a folder may lie on depends on what is promised of it', () => {
  assert.deepEqual(states([ground('main/'), ground('deposit/'), ground('logs/')]), [
    'ok: file system: ext4',
  ])
  assert.deepEqual(states([ground('main/', { kind: 'vfat' }), ground('deposit/')]), [
    'error: main/ is on vfat: not safe in a power cut',
  ])
  assert.match(
    states([ground('main/'), ground('deposit/', { kind: 'exfat', at: '/mnt' })])[0] ?? '',
    /^warning/,
  )
  const both = [ground('main/', { kind: 'nfs4' }), ground('deposit/', { kind: 'nfs4' })]
  assert.equal(states(both).length, 1, 'one disk is told of once')
  assert.match(states([ground('main/', { kind: 'nfs4' })])[0] ?? '', /^warning: main\/ is on nfs4/)
  assert.match(states([ground('main/', { kind: 'tmpfs' })])[0] ?? '', /a reboot empties it/)
  assert.match(states([ground('main/'), ground('logs/', { kind: 'tmpfs' })])[0] ?? '', /^ok/)
  const [overlay] = judgeKinds([ground('main/', { kind: 'overlay' })], waysOut)
  assert.deepEqual([overlay?.state, overlay?.fix], ['warning', 'raspi-config'])
})

test('a disk that is read-only or has errors is told of once, with all that lies on it', () => {
  const asPi = somePatient({ self: users.pi })
  const fixOf = (...grounds: Ground[]) =>
    judgeHealth(grounds, asPi).map(({ state, text, fix }) => [state, text, fix])
  assert.deepEqual(fixOf(ground('main/'))[0]?.[0], 'ok')
  const options = ['rw', 'ro', 'errors=remount-ro']
  assert.deepEqual(fixOf(ground('main/', { options }), ground('logs/', { options })), [
    ['error', 'read-only disk: main/, logs/', 'sudo mount -o remount,rw /'],
  ])
  assert.deepEqual(fixOf(ground('main/', { options: ['rw', 'emergency_ro'], errors: 2 })), [
    ['error', 'read-only disk: main/', 'sudo reboot'],
  ])
  assert.deepEqual(fixOf(ground('main/', { at: '/data', errors: 1 })), [
    [
      'warning',
      '1 disk error since the last check: main/',
      'sudo umount /data && { sudo fsck -y /dev/sda1; sudo mount /dev/sda1 /data; }',
    ],
  ])
})

const roomy: Room = {
  holds: ['main/', 'deposit/'],
  at: '/srv',
  freeBytes: 10e9,
  freeFiles: 1e6,
  oldLogs: [],
  aptBytes: 0,
}

test('low space is a warning, space that is too little for an upload an error', () => {
  const judged = (odd: Partial<Room>) => {
    const { state, fix } = judgeRoom({ ...roomy, ...odd }, somePatient())
    return [state, fix]
  }
  assert.deepEqual(judged({}), ['ok', undefined])
  const look = 'du -k -xd2 /srv | sort -n | tail'
  assert.deepEqual(judged({ freeBytes: 50e6 }), ['warning', look])
  assert.deepEqual(judged({ freeBytes: 500 }), ['error', look])
  const lookAtFiles = 'du --inodes -xd2 /srv | sort -n | tail'
  assert.deepEqual(judged({ freeFiles: 100 }), ['warning', lookAtFiles])
  assert.deepEqual(judged({ freeFiles: 0 }), ['error', lookAtFiles])
  assert.deepEqual(judged({ freeFiles: null }), ['ok', undefined])
})

test('what may go without harm is named when it is enough: of the logs only as many as need be', () => {
  const log = (name: string) => ({ path: `/srv/ota/logs/${name}`, bytes: 80e6 })
  const oldLogs = [log('logfile_1.log'), log('logfile_2.log'), log('logfile_3.log')]
  const fixOf = (odd: Partial<Room>) =>
    judgeRoom({ ...roomy, freeBytes: 50e6, ...odd }, somePatient({ self: users.pi })).fix
  assert.equal(fixOf({ aptBytes: 150e6, oldLogs }), 'sudo apt clean')
  assert.equal(
    fixOf({ aptBytes: 100e6, oldLogs }),
    "sudo find /srv/ota/logs -name 'logfile_*.log' '!' -newer /srv/ota/logs/logfile_2.log -delete",
  )
  assert.match(fixOf({ oldLogs: oldLogs.slice(0, 1) }) ?? '', /^sudo du /)
})
