import assert from 'node:assert/strict'
import { test } from 'node:test'
import { opening } from '../../src/doctor/opening.ts'
import { judgeOthers } from '../../src/doctor/others.ts'
import { closedOn, isOpen, type Place, type Way } from '../../src/doctor/place.ts'
import { judgeSshd, judgeUploads, judgeVsftpd } from '../../src/doctor/uploads.ts'
import { somePatient, users } from '../harness/patient.ts'

const { root, ota, ftp, pi } = users

function place(path: string, uid: number, gid: number, mode: number): Place {
  return { path, uid, gid, mode }
}

test('the first class that fits decides: owner, group, others', () => {
  assert.equal(isOpen(place('/x', 1001, 0, 0o700), ota, 7), true)
  assert.equal(isOpen(place('/x', 1001, 0, 0o077), ota, 1), false)
  assert.equal(isOpen(place('/x', 0, 1001, 0o070), ota, 7), true)
  assert.equal(isOpen(place('/x', 0, 1001, 0o707), ota, 4), false)
  assert.equal(isOpen(place('/x', 0, 0, 0o755), ota, 5), true)
  assert.equal(isOpen(place('/x', 0, 0, 0o755), ota, 2), false)
  assert.equal(isOpen(place('/x', 1001, 0, 0), root, 7), true)
})

const srv = place('/srv', 0, 0, 0o755)

function way(end: Place, needs = 7, above: readonly Place[] = [srv]): Way {
  return { above, end, needs }
}

test('a way ends at the first folder that cannot be passed, or at its end', () => {
  const deposit = place('/srv/ota/deposit', 1001, 1001, 0o750)
  assert.equal(closedOn(way(deposit), ota), null)
  assert.deepEqual(closedOn(way(deposit), ftp), { place: deposit, needs: 7 })
  const home = place('/home/pi', 1000, 1000, 0o700)
  assert.deepEqual(closedOn(way(deposit, 7, [srv, home]), ota), { place: home, needs: 1 })
})

test('a place is opened as little as possible, and goes to whom it should belong', () => {
  const one = somePatient({ self: pi })
  const lineFor = (end: Place, user = ota, needs = 7) => opening({ place: end, needs }, user, one)
  assert.equal(lineFor(place('/srv/ota/main', 0, 0, 0o755)), 'sudo chown -R ota:1001 /srv/ota/main')
  assert.equal(lineFor(place('/srv/ota/main', 1001, 0, 0o500)), 'sudo chmod u+rwx /srv/ota/main')
  assert.equal(lineFor(place('/home/pi', 1000, 1000, 0o700), ota, 1), 'chmod o+x /home/pi')
  assert.equal(lineFor(place('/home/x', 0, 1001, 0o700), ota, 1), 'sudo chmod g+x /home/x')
  assert.equal(
    lineFor(place('/srv/ota/deposit', 0, 0, 0o755)),
    'sudo chown -R ota:1001 /srv/ota/deposit',
  )
})

test('a project that is not there yet is made for the daemon’s user', () => {
  const line = opening({ place: srv, needs: 3 }, ota, somePatient())
  assert.equal(line, 'install -d -o ota -g 1001 /srv/ota')
})

test('a deposit of two users belongs to who uploads, and its group is the daemon’s', () => {
  const two = somePatient({ uploader: ftp })
  const deposit = place('/srv/ota/deposit', 1001, 1001, 0o755)
  const line = 'chown 1002:1001 /srv/ota/deposit && chmod u+rwx,g+rwxs /srv/ota/deposit'
  assert.equal(opening({ place: deposit, needs: 3 }, ftp, two), line)
  const theirs = place('/srv/ota/deposit', 1002, 1002, 0o755)
  assert.equal(opening({ place: theirs, needs: 7 }, ota, two), line)
})

test('what anybody may write in is warned of, if anybody can get there', () => {
  const open = place('/srv/ota/deposit', 1001, 1001, 0o777)
  const closed = place('/srv/ota', 1001, 1001, 0o750)
  const one = somePatient({ self: ota })
  assert.equal(judgeOthers([way(open, 2, [srv, closed])], one).state, 'ok')
  const found = judgeOthers([way(open, 2), way(place('/srv/ota/main', 1001, 1001, 0o755), 2)], one)
  assert.deepEqual([found.state, found.fix], ['warning', 'chmod o-w /srv/ota/deposit'])
  const twice = judgeOthers([way(open, 2), way(open, 2)], one)
  assert.equal(twice.fix, 'chmod o-w /srv/ota/deposit')
})

test('how well uploads are known follows from who is who', () => {
  assert.equal(judgeUploads({ daemonUser: ota, uploader: ota }, true).state, 'ok')
  assert.equal(judgeUploads({ daemonUser: root, uploader: ftp }, true).state, 'ok')
  assert.match(judgeUploads({ daemonUser: ota, uploader: ftp }, false).text, /connection/)
  assert.match(judgeUploads({ daemonUser: ota, uploader: ftp }, true).text, /timer/)
})

test('sshd may tell of uploads that were cut off, if the daemon’s user may read it', () => {
  const groups = 'root:x:0:\nadm:x:4:pi\nsystemd-journal:x:101:\n'
  const logging = '# comment\nSubsystem sftp internal-sftp -l INFO\n'
  assert.deepEqual(
    judgeSshd('Subsystem sftp /usr/lib/openssh/sftp-server\n', groups, somePatient()),
    [],
  )
  assert.deepEqual(judgeSshd('#Subsystem sftp internal-sftp -l INFO\n', groups, somePatient()), [])
  const [closed] = judgeSshd(logging, groups, somePatient())
  assert.deepEqual([closed?.state, closed?.fix], ['warning', 'usermod -aG systemd-journal ota'])
  const reader = { ...ota, groups: [1001, 101] }
  assert.equal(judgeSshd(logging, groups, somePatient({ daemonUser: reader }))[0]?.state, 'ok')
  assert.equal(judgeSshd(logging, groups, somePatient({ daemonUser: root }))[0]?.state, 'ok')
})

test('a vsftpd that lets nobody upload', () => {
  assert.deepEqual(judgeVsftpd('', somePatient()), [])
  assert.equal(judgeVsftpd('write_enable=YES\n', somePatient())[0]?.state, 'ok')
  const [closed] = judgeVsftpd('#write_enable=YES\nlocal_enable=YES\n', somePatient())
  assert.equal(closed?.state, 'warning')
  assert.match(closed?.fix ?? '', /^echo write_enable=YES \| tee -a \/etc\/vsftpd\.conf && /)
})
