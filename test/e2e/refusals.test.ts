import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { drop, isAlive, newProgram, startWithProgram } from '../harness/deposit.ts'
import { readTree, writeTree } from '../harness/project.ts'
import { hasTools, runWell, type Tool } from '../harness/tools.ts'

/** What may not be in a deposit, and how it gets there. */
const refused: Record<
  string,
  {
    readonly make: (t: TestContext, place: string, dir: string) => Promise<void>
    readonly why: RegExp
    readonly tools?: readonly Tool[]
    readonly isForRoot?: true
  }
> = {
  'a link to a file': {
    make: (_, place, dir) => symlink(join(dir, 'outside/secret.txt'), place),
    why: /pkg\/odd is a symbolic link/,
  },
  'a link to a folder': {
    make: (_, place, dir) => symlink(join(dir, 'outside'), place),
    why: /pkg\/odd is a symbolic link/,
  },
  'a link that leads nowhere': {
    make: (_, place) => symlink('nowhere', place),
    why: /pkg\/odd is a symbolic link/,
  },
  'a FIFO': {
    make: (_, place, dir) => runWell('mkfifo', [place], dir),
    why: /pkg\/odd is not a file or folder \(a pipe/,
    tools: ['mkfifo'],
  },
  'a socket': {
    make: async (t, place) => {
      const server = createServer().listen(place)
      await once(server, 'listening')
      t.after(() => server.close())
    },
    why: /pkg\/odd is not a file or folder \(a pipe/,
  },
  'a device': {
    make: (_, place, dir) => runWell('mknod', [place, 'c', '1', '3'], dir),
    why: /pkg\/odd is not a file or folder \(a pipe/,
    tools: ['mknod'],
    isForRoot: true,
  },
  'a name that is not UTF-8': {
    make: (_, place) => writeFile(Buffer.from(`${place}\xff`, 'latin1'), 'x'),
    why: /pkg\/odd\ufffd is not a file or folder \(.*its name is not UTF-8/,
  },
  'a folder with a name that is not UTF-8': {
    make: async (_, place) => {
      await mkdir(Buffer.from(`${place}\xff`, 'latin1'))
      await writeFile(Buffer.from(`${place}\xff/in.txt`, 'latin1'), 'x')
    },
    why: /pkg\/odd\ufffd is not a file or folder \(.*its name is not UTF-8/,
  },
  'a file where main has a folder': {
    make: (_, place, dir) =>
      writeTree(dir, { 'main/pkg/odd/a.txt': 'a' }).then(() => writeFile(place, 'x')),
    why: /pkg\/odd is a file in the deposit but a folder in main/,
  },
  'a folder where main has a file': {
    make: (_, place, dir) =>
      writeTree(dir, { 'main/pkg/odd': 'a' }).then(() => writeTree(place, { 'b.txt': 'b' })),
    why: /pkg\/odd is a folder in the deposit but a file in main/,
  },
  'a folder where main has a link': {
    make: async (_, place, dir) => {
      await writeTree(dir, { 'main/pkg/a.txt': 'a' })
      await symlink(join(dir, 'outside'), join(dir, 'main/pkg/odd'))
      await writeTree(place, { 'b.txt': 'b' })
    },
    why: /pkg\/odd is a folder in the deposit but a symbolic link in main/,
  },
}

for (const [what, { make, why, tools = [], isForRoot }] of Object.entries(refused)) {
  test(`${what} is rejected with the reason, never followed, and the next upload is taken`, async (t) => {
    if (!hasTools(t, ...tools)) return
    if (isForRoot && process.getuid?.() !== 0) {
      t.skip('needs root: only root can make a device')
      return
    }
    const daemon = await startWithProgram(t)
    const { dir } = daemon
    const outside = { 'secret.txt': 'not to be touched' }
    await writeTree(join(dir, 'outside'), outside)
    await writeTree(join(dir, 'upload'), { 'pkg/good.py': 'x = 1\n' })
    await make(t, join(dir, 'upload/pkg/odd'), dir)
    const before = await readTree(join(dir, 'main'))
    await rename(join(dir, 'upload/pkg'), join(dir, 'deposit/pkg'))
    await daemon.says(new RegExp(`r1: rejected: ${why.source}`))
    assert.deepEqual(await readTree(join(dir, 'main')), before)
    assert.deepEqual(await readTree(join(dir, 'outside')), outside)
    const kept = join(dir, '.supervisor/rejected/r1')
    assert.match(await readFile(join(kept, 'REASON.txt'), 'utf8'), why)
    assert.equal((await readdir(join(kept, 'files/pkg'))).length, 2)
    assert.ok(!daemon.output().includes('main.py is being stopped'), 'the program was stopped')
    await drop(daemon, { 'main.py': newProgram })
    await daemon.says(/r2 out +the new one is up/)
    await daemon.says(/r2: committed/)
  })
}

test('a name with a line break is deployed as it is', async (t) => {
  const daemon = await startWithProgram(t)
  const tree = { 'pkg/two\nlines.py': 'x = 1\n', 'ä"\'\\ \t🐍/data.txt': 'y' }
  await drop(daemon, tree)
  await daemon.says(/r1: committed/)
  const { 'main.py': _, ...others } = await readTree(join(daemon.dir, 'main'))
  assert.deepEqual(others, tree)
})

test('a name with a line break cannot forge a line of the log', async (t) => {
  const daemon = await startWithProgram(t)
  const name = 'a\n2026-01-01 00:00:00.000 supervisor  r9: committed\n'
  await symlink('nowhere', join(daemon.dir, 'deposit', name))
  await daemon.says(/r1: rejected: /)
  await isAlive(daemon, 'r2')
  assert.doesNotMatch(daemon.output(), /^2026-01-01/m)
})
