import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { pathsOf } from '../../src/config.ts'
import { daemonsIn, judgeDaemons } from '../../src/doctor/daemons.ts'
import { type Claim, judgeLeftovers, type Tagged } from '../../src/doctor/leftovers.ts'
import { rootLine } from '../../src/doctor/line.ts'
import { shellLine } from '../../src/phrases.ts'
import { afterwards } from '../harness/cleanup.ts'
import { someMachine, somePatient, users } from '../harness/patient.ts'
import { killGroup } from '../harness/processes.ts'
import { makeProject } from '../harness/project.ts'

test('none or one daemon is fine; of two the one that noted its number stays', () => {
  assert.equal(judgeDaemons(somePatient()).state, 'ok')
  assert.match(judgeDaemons(somePatient({ daemons: [812] })).text, /pid 812, ota/)
  const two = judgeDaemons(somePatient({ daemons: [812, 400], self: users.pi }))
  assert.deepEqual([two.state, two.fix], ['error', 'sudo kill 400'])
})

test('what a daemon is about to start looks like it until its execve(2), and is no second daemon', async (t) => {
  const project = await makeProject(t)
  // Stays between fork(2) and execve(2), where a real daemon's child is for a moment.
  const script = [
    'import os, signal, sys',
    'os.open(sys.argv[2], os.O_RDONLY)',
    'if os.fork(): os.wait()',
    'else:',
    '    os.write(1, b"%d" % os.getpid())',
    '    signal.pause()',
  ].join('\n')
  const daemon = spawn('python3', ['-c', script, 'supervisor.js', project], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  afterwards(t, () => killGroup(daemon.pid ?? 0))
  const [forked] = (await once(daemon.stdout, 'data')) as [Buffer]
  assert.notEqual(Number(forked), daemon.pid)
  assert.deepEqual(daemonsIn(pathsOf(project)), [daemon.pid])
})

const child = { name: 'python3', uid: 1001, cwd: '/', hasDaemon: false }

function left(processes: readonly Tagged[], odd: Partial<Claim> = {}, strangers: number[] = []) {
  const claim = { lastRun: 'last', main: '/srv/ota/main', isDaemonUp: false, ...odd }
  return judgeLeftovers(processes, claim, strangers, someMachine({ self: users.ota }))
}

test('a run is left over when no daemon has it: not this one here, nor any other', () => {
  assert.equal(left([])[0]?.state, 'ok')
  const orphan = { ...child, pid: 9, runId: 'last' }
  const [found] = left([orphan])
  assert.deepEqual([found?.state, found?.fix], ['warning', 'kill -9 9'])
  assert.equal(left([orphan], { isDaemonUp: true })[0]?.state, 'ok', 'the daemon ends it itself')
  const leader = { ...child, pid: 8, runId: 'last', hasDaemon: true }
  assert.equal(left([leader, orphan])[0]?.state, 'ok', 'a daemon looks after it')
  const older = { ...child, pid: 7, runId: 'older', cwd: '/srv/ota/main/data' }
  assert.equal(left([leader, orphan, older], { isDaemonUp: true })[0]?.fix, 'kill -9 7')
})

test('what another project has left is not told here', () => {
  const theirs = { ...child, pid: 9, runId: 'theirs', cwd: '/srv/other/main' }
  assert.equal(left([theirs])[0]?.state, 'ok')
  assert.equal(left([{ ...theirs, cwd: null }])[0]?.state, 'ok')
})

test('a main.py that no daemon has started is told apart', () => {
  const found = left([{ ...child, pid: 9, runId: 'last' }], {}, [12])
  assert.deepEqual(
    found.map(({ check, fix }) => [check, fix]),
    [
      ['leftovers', 'kill -9 9'],
      ['strangers', 'sudo kill 12'],
    ],
  )
})

test('a line means in a shell what it means here, whatever is in it', () => {
  const words = [
    "it's",
    'a b',
    '$HOME',
    '`id`',
    '\\',
    '*',
    '"',
    '',
    '-n',
    '!',
    'ü;',
    '~',
    'a\u001b\nb',
  ]
  const said = execFileSync('bash', ['-c', shellLine('printf', '%s\\0', ...words)], {
    encoding: 'utf8',
  })
  assert.deepEqual(said.split('\0').slice(0, -1), words)
  assert.doesNotMatch(shellLine(...words), /\p{Cc}/u)
  assert.equal(
    shellLine('chown', '-R', 'ota:1001', '/srv/ota/main'),
    'chown -R ota:1001 /srv/ota/main',
  )
})

test('sudo is said only to who needs it', () => {
  const asPi = someMachine({ self: users.pi })
  assert.equal(rootLine(someMachine(), ['kill', '1']), 'kill 1')
  assert.equal(rootLine(asPi, ['kill', '1']), 'sudo kill 1')
  assert.equal(rootLine(asPi, ['kill', '1'], users.pi.uid), 'kill 1')
})
