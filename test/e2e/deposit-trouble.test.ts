import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Daemon, startDaemon } from '../harness/daemon.ts'
import { drop, isAlive, result } from '../harness/deposit.ts'
import { until } from '../harness/processes.ts'
import { makeProject, projectWith, putProgram } from '../harness/project.ts'
import { runWell } from '../harness/tools.ts'

const concurrency = 4

/** When the daemon has said it, in milliseconds, by its own clock. */
function timesOf({ output }: Daemon, pattern: RegExp): number[] {
  const lines = output()
    .split('\n')
    .filter((line) => pattern.test(line))
  return lines.map((line) => Date.parse(line.slice(0, 23)))
}

/** In a user namespace of its own a program has its own limits of inotify: namespaces(7). */
function withLimit(name: string, limit: number): string[] {
  const set = `echo ${limit} >/proc/sys/user/${name} && exec "$@"`
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', set, 'sh']
}

function noOwnLimits(): string | false {
  try {
    const [command = '', ...args] = withLimit('max_inotify_watches', 0)
    execFileSync(command, [...args, 'true'], { stdio: 'pipe' })
    return false
  } catch {
    return 'needs a user namespace with limits of its own: this machine (a container?) refuses it'
  }
}

describe('where the system has no more watches to give, uploads are found by looking', {
  concurrency,
  skip: noOwnLimits(),
}, () => {
  const cases = [
    {
      name: 'max_inotify_watches',
      limit: 0,
      hint: /ENOSPC\).*sysctl fs\.inotify\.max_user_watches/,
    },
    { name: 'max_inotify_instances', limit: 0, hint: /EMFILE\).*max_user_instances/ },
    // Enough for the deposit, but not for a folder in it.
    {
      name: 'max_inotify_watches',
      limit: 1,
      hint: /ENOSPC\).*sysctl fs\.inotify\.max_user_watches/,
    },
  ]
  for (const { name, limit, hint } of cases) {
    test(`${name} is ${limit}`, async (t) => {
      const dir = await projectWith(t, 'good')
      await mkdir(join(dir, 'deposit/sub/deeper'), { recursive: true })
      await writeFile(join(dir, 'deposit/sub/.keep'), '')
      const daemon = await startDaemon(t, dir, {}, undefined, withLimit(name, limit))
      await Promise.all([
        daemon.says(/WARNING: file events do not work here/),
        daemon.says(/r0 out +good is up/),
      ])
      await isAlive(daemon, 'r1')
      await drop(daemon, { 'sub/deeper/later.txt': 'found' })
      await daemon.says(/r2: committed/)
      await isAlive(daemon, 'r3')
      assert.match(daemon.output(), hint)
      assert.equal(timesOf(daemon, /file events do not work/).length, 1, daemon.output())
      assert.equal(await daemon.end(), 0)
    })
  }
})

// Users that every Debian has.
const uploader = 65_534
const stranger = 1

const skip = process.getuid?.() === 0 ? false : 'needs root: it runs programs as other users'

test('an upload that may not be taken is told once to the uploader, and now and then in the log', {
  skip,
}, async (t) => {
  const dir = await makeProject(t, { deposit: { hold_log: '1s' } })
  await chmod(dir, 0o755)
  await putProgram('good', join(dir, 'main'))
  const deposit = join(dir, 'deposit')
  await mkdir(deposit)
  await runWell('chown', ['-R', `${stranger}:${stranger}`, dir], dir)
  await chown(deposit, uploader, uploader)
  // With the sticky bit, as /tmp has it, only their owner may move files out of it.
  await chmod(deposit, 0o1777)
  const daemon = await startDaemon(t, dir, {}, stranger)
  await daemon.says(/r0 out +good is up/)
  const [file, denied] = [join(deposit, 'a.txt'), /could not claim the deposit: EPERM.*a\.txt/]
  await writeFile(file, 'a')
  await chown(file, uploader, uploader)
  await daemon.says(denied)
  await daemon.says(/Run the daemon as that user, or as root/)
  await daemon.says(denied)
  const [first = 0, second = 0] = timesOf(daemon, denied)
  // It is tried every 200 ms.
  assert.ok(second - first > 900, daemon.output())
  const answer = await readFile(join(deposit, result), 'utf8')
  assert.equal(answer.match(new RegExp(denied, 'g'))?.length, 1, answer)
  await chmod(deposit, 0o777)
  await daemon.says(/r1: committed/)
})

test('a .go that comes too late is gone before it can speak for the next upload', async (t) => {
  const dir = await projectWith(t, 'good', { deposit: { empty_folder: '1s' } })
  const daemon = await startDaemon(t, dir)
  await daemon.says(/waiting for uploads/)
  await drop(daemon, { '.go': '' })
  await until('the marker is gone', () => !existsSync(join(dir, 'deposit/.go')))
})
