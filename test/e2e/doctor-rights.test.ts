import assert from 'node:assert/strict'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDaemon } from '../harness/daemon.ts'
import {
  doctor,
  errorsOf,
  findingOf,
  paste,
  patience,
  run,
  wholeProject,
} from '../harness/examined.ts'
import { makeProject, writeSettings } from '../harness/project.ts'

/** What `doctor` says of users and permissions, and that each line it tells mends it. */

/** Two users that nobody is. */
const one = 64_001
const two = 64_002

const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? false : 'needs root: it plays several users'

test('the uploader who cannot write into the deposit, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await chmod(dir, 0o755)
  const args = ['--uploader', String(two), '--as', String(one)]
  const examined = await doctor(dir, args)
  assert.equal(examined.code, 1)
  const { state, text, fix } = findingOf(examined, 'uploader-rights')
  assert.deepEqual([state, text], ['error', `${two} cannot write in deposit`])
  await paste(fix)
  const after = await doctor(dir, args)
  assert.deepEqual([after.code, errorsOf(after)], [0, []])
  assert.equal(findingOf(after, 'uploads').state, 'warning', 'two users: known by connections only')
  // And so it is: one writes, the other takes it away.
  await run('touch', [join(dir, 'deposit/x')], { uid: two, gid: two })
  await run('mv', [join(dir, 'deposit/x'), join(dir, 'main/x')], { uid: one, gid: one })
})

test('what root has left behind closes the project to its user, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await chown(join(dir, 'main'), 0, 0)
  await chown(join(dir, '.supervisor'), 0, 0)
  const asRoot = await doctor(dir)
  assert.deepEqual(
    errorsOf(asRoot).map(({ text }) => text),
    [`${one} cannot write in main`, `${one} cannot write in .supervisor`],
    'for root the daemon’s user is the owner of the project',
  )
  const asUser = await doctor(dir, [], {}, one)
  assert.deepEqual(
    errorsOf(asUser).map(({ text, fix }) => [text, fix?.replace(/^sudo /, '')]),
    errorsOf(asRoot).map(({ text, fix }) => [text, fix]),
  )
  for (const { fix } of errorsOf(asRoot)) await paste(fix)
  const after = await doctor(dir, [], {}, one)
  assert.deepEqual([after.code, errorsOf(after)], [0, []])
})

test('a folder inside main that is somebody else’s is warned of', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  await mkdir(join(dir, 'main/lib/deep'), { recursive: true })
  const examined = await doctor(dir)
  const { state, text, fix } = findingOf(examined, 'daemon-rights')
  assert.deepEqual([state, text], ['warning', `${one} cannot write in main/lib`])
  await paste(fix)
  assert.equal(findingOf(await doctor(dir), 'daemon-rights').state, 'ok')
})

test('a folder above the project that cannot be passed, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const above = await makeProject(t)
  const dir = join(above, 'project')
  for (const name of ['deposit', 'main', 'logs']) await mkdir(join(dir, name), { recursive: true })
  await run('chown', ['-R', `${one}:${one}`, dir])
  await chmod(above, 0o700)
  const [found] = errorsOf(await doctor(dir))
  assert.equal(found?.text, `${one} cannot pass through ${above}`)
  await paste(found?.fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
  await run('ls', [join(dir, 'main')], { uid: one, gid: one })
})

test('a program of another user must be able to read main, and the line that mends it', {
  skip: needsRoot,
}, async (t) => {
  const settings = { program: { user: 'nobody' } }
  const dir = await wholeProject(t, undefined, settings)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'main'), 0o700)
  const examined = await doctor(dir)
  const { state, text, fix } = findingOf(examined, 'program-rights')
  assert.deepEqual([state, text], ['error', 'nobody cannot read main'])
  await paste(fix)
  assert.deepEqual(errorsOf(await doctor(dir)), [])
  const found = findingOf(await doctor(dir, ['--as', String(one)]), 'program-rights')
  assert.equal(found.text, `${one} cannot run main.py as nobody: only root can`)
  await writeSettings(dir, { ...patience, program: { user: 'no-such-user' } })
  assert.match(findingOf(await doctor(dir), 'program-rights').text, /no-such-user/)
})

test('settings that this user cannot read are unknown', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'supervisor.toml'), 0o600)
  const { state, fix } = findingOf(await doctor(dir, [], {}, two), 'settings')
  assert.equal(state, 'unknown')
  assert.match(fix ?? '', /^sudo .* doctor -C /)
})

test('an access list is asked of the kernel', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t, one)
  await chmod(dir, 0o755)
  const list = ['-m', `u:${two}:rwx`, join(dir, 'deposit')]
  const isSet = await run('setfacl', list).then(
    () => true,
    () => false,
  )
  if (!isSet) return t.skip('needs setfacl: sudo apt install acl')
  const examined = await doctor(dir, ['--uploader', String(two)])
  assert.equal(findingOf(examined, 'uploader-rights').state, 'ok')
})

test('what anybody may write in is warned of, and the line that mends it', async (t) => {
  const dir = await wholeProject(t)
  await chmod(dir, 0o755)
  await chmod(join(dir, 'deposit'), 0o777)
  const { state, text, fix } = findingOf(await doctor(dir), 'others')
  assert.deepEqual([state, text], ['warning', 'anybody may write in deposit: unsafe'])
  await paste(fix)
  assert.equal(findingOf(await doctor(dir), 'others').state, 'ok')
})

test('somebody who may not look into the project is told so, and who may', {
  skip: needsRoot,
}, async (t) => {
  const dir = await wholeProject(t, one)
  const below = await doctor('/', ['-C', join(dir, 'main')], {}, two)
  assert.equal(findingOf(below, 'project').state, 'unknown')
  const examined = await doctor('/', ['-C', dir], {}, two)
  assert.equal(examined.code, 0)
  const { state, text, fix } = findingOf(examined, 'project')
  assert.deepEqual([state, text], ['unknown', `${two} cannot look into ${dir}`])
  assert.match(fix ?? '', /^sudo .* doctor -C /)
  await paste(fix?.replace(/^sudo /, ''))
})

test('a daemon’s user is whoever runs it', { skip: needsRoot }, async (t) => {
  const dir = await wholeProject(t)
  await run('chown', ['-R', `${one}:${one}`, dir])
  const daemon = await startDaemon(t, dir, {}, one)
  await daemon.says(/main\.py started/)
  await run('chown', ['0:0', dir])
  await chmod(dir, 0o755)
  const examined = await doctor(dir)
  assert.equal(findingOf(examined, 'daemon').text, `the daemon runs (pid ${daemon.pid}, ${one})`)
  assert.equal(findingOf(examined, 'daemon-rights').text, `${one} may run the daemon here`)
  const asOther = await doctor(dir, [], {}, two)
  assert.equal(findingOf(asOther, 'daemon').text, findingOf(examined, 'daemon').text)
  assert.equal(findingOf(asOther, 'leftovers').state, 'unknown')
})
