import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { link, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterwards } from '../harness/cleanup.ts'
import { type Corpus, type Hostile, longTrial, testCorpus, tree } from '../harness/hostile.ts'

const committed = { says: /committed/, becomes: 'committed' } as const

const kinds: Corpus = {
  'a link to a file': linkTo('outside/secret.txt'),
  'a link to a folder': linkTo('outside'),
  'a link to the folder it lies in': linkTo('.'),
  'a link that leads nowhere': linkTo('nowhere'),
  'a link to /etc': linkTo('/etc'),
  'a link beside a good file': {
    make: async (place) => {
      await tree({ 'pkg/good.py': 'x = 1\n' })(place)
      await symlink('nowhere', join(place.upload, 'pkg/odd'))
    },
    says: /pkg\/odd is a symbolic link/,
    becomes: 'rejected',
    check: ({ dir }) => {
      const rejected = join(dir, '.supervisor/rejected')
      const id = Math.max(...readdirSync(rejected).map((name) => Number(name.slice(1))))
      assert.deepEqual(readdirSync(join(rejected, `r${id}/files/pkg`)).sort(), ['good.py', 'odd'])
    },
  },
  'a __pycache__ that is a link to a folder outside': {
    make: async ({ upload, outside }) => {
      await symlink(outside, join(upload, '__pycache__'))
      await writeFile(join(upload, 'x.py'), 'x = 1\n')
    },
    says: /removed from the deposit what is never deployed: __pycache__/,
    becomes: 'committed',
  },
  'a __pycache__ in main that is a link to a folder outside': {
    make: async (place) => {
      await rm(join(place.dir, 'main/__pycache__'), { recursive: true, force: true })
      await symlink(place.outside, join(place.dir, 'main/__pycache__'))
      await tree({ 'x.py': 'x = 2\n' })(place)
    },
    ...committed,
    check: ({ dir }) => rm(join(dir, 'main/__pycache__'), { recursive: true, force: true }),
  },
  'a .git that is a link': {
    make: ({ upload, outside }) => symlink(outside, join(upload, '.git')),
    says: /removed from the deposit what is never deployed: \.git/,
    becomes: 'left',
  },
  'a hard link to a file outside': {
    make: ({ upload, outside }) => link(join(outside, 'secret.txt'), join(upload, 'hard.txt')),
    ...committed,
  },
  'a hard link under the name of our result file': {
    make: async ({ upload, outside }) => {
      await link(join(outside, 'secret.txt'), join(upload, '.in.DEPOSIT-RESULT.txt'))
      await writeFile(join(upload, 'x.txt'), 'x')
    },
    ...committed,
  },
  'a link under the name of our result file': {
    make: async ({ upload, outside }) => {
      await symlink(join(outside, 'secret.txt'), join(upload, '.in.DEPOSIT-RESULT.txt'))
      await symlink(join(outside, 'secret.txt'), join(upload, 'DEPOSIT-RESULT.txt'))
      await writeFile(join(upload, 'x.txt'), 'x')
    },
    ...committed,
  },
  'pipes under the names of our result file': {
    make: ({ upload }) => {
      execFileSync('mkfifo', [join(upload, '.in.DEPOSIT-RESULT.txt')])
      execFileSync('mkfifo', [join(upload, 'DEPOSIT-RESULT.txt')])
      writeFileSync(join(upload, 'x.txt'), 'x')
    },
    ...committed,
  },
  'a folder under the name of our result file': {
    make: async ({ upload, dir }) => {
      await rm(join(dir, 'deposit/DEPOSIT-RESULT.txt'), { force: true })
      await mkdir(join(upload, 'DEPOSIT-RESULT.txt'))
      await writeFile(join(upload, 'DEPOSIT-RESULT.txt/in.txt'), 'x')
    },
    ...committed,
    check: ({ dir }) =>
      rm(join(dir, 'deposit/DEPOSIT-RESULT.txt'), { recursive: true, force: true }),
  },
  'a pipe': pipe('pipe'),
  'a pipe called main.py': pipe('main.py'),
  'a pipe called deposit.zip': pipe('deposit.zip'),
  'a pipe in a .git': {
    make: ({ upload }) => {
      mkdirSync(join(upload, '.git'))
      execFileSync('mkfifo', [join(upload, '.git/config')])
    },
    says: /never deployed: \.git/,
    becomes: 'left',
  },
  'a socket': {
    make: async ({ t, upload }) => {
      const server = createServer().listen(join(upload, 'socket'))
      await once(server, 'listening')
      afterwards(t, () => server.close())
    },
    says: /socket is not a file or folder/,
    becomes: 'rejected',
  },
  'a device': {
    make: ({ upload }) => execFileSync('mknod', [join(upload, 'main.py'), 'c', '1', '5']),
    says: /main\.py is not a file or folder/,
    becomes: 'rejected',
    needsRoot: 'only root can make a device',
  },
  'a folder called .go, and one called .hold': {
    make: tree({ '.go/in.txt': 'x', '.hold/in.txt': 'x' }),
    ...committed,
    check: ({ dir }) => assert.ok(existsSync(join(dir, 'main/.hold/in.txt'))),
  },
  'a folder called deposit.zip': { make: tree({ 'deposit.zip/in.txt': 'x' }), ...committed },
  'a file where main has a folder': {
    make: async (place) => {
      await mkdir(join(place.dir, 'main/was-folder/in'), { recursive: true })
      await tree({ 'was-folder': 'x' })(place)
    },
    says: /was-folder is a file in the deposit but a folder in main/,
    becomes: 'rejected',
  },
  'a folder where main has a file': {
    make: tree({ 'zz-good.txt/in.txt': 'x' }),
    says: /zz-good\.txt is a folder in the deposit but a file in main/,
    becomes: 'rejected',
  },
  'a folder where main has a link': {
    make: async (place) => {
      symlinkSync(place.outside, join(place.dir, 'main/led-out'))
      await tree({ 'led-out/secret.txt': 'x' })(place)
    },
    says: /led-out is a folder in the deposit but a symbolic link in main/,
    becomes: 'rejected',
    check: ({ dir }) => rm(join(dir, 'main/led-out')),
  },
}

function linkTo(target: string): Hostile {
  return {
    make: ({ upload, dir }) =>
      symlink(target.startsWith('outside') ? join(dir, target) : target, join(upload, 'odd')),
    says: /odd is a symbolic link/,
    becomes: 'rejected',
  }
}

function pipe(name: string): Hostile {
  return {
    make: ({ upload }) => execFileSync('mkfifo', [join(upload, name)]),
    says: new RegExp(`${name} is not a file or folder \\(a pipe`),
    becomes: 'rejected',
  }
}

const crashes: Corpus = {
  'nested whiteouts are undone in order': {
    make: async (place) => {
      await mkdir(join(place.dir, 'main/nest/in'), { recursive: true })
      for (const path of ['nest/a.txt', 'nest/in/b.txt']) {
        await writeFile(join(place.dir, 'main', path), path)
      }
      await tree({
        '.wh.nest': '',
        'nest/.wh.a.txt': '',
        'nest/in/.wh..wh..opq': '',
        'main.py': 'raise SystemExit(3)\n',
      })(place)
    },
    says: /ended with exit code 3/,
    becomes: 'rolled-back',
    check: ({ dir }) => {
      for (const path of ['nest/a.txt', 'nest/in/b.txt']) {
        assert.ok(existsSync(join(dir, 'main', path)), `${path} is lost`)
      }
    },
  },
  'a hard link as main.py that crashes': {
    make: ({ upload, dir, outside }) => {
      writeFileSync(join(dir, 'crash.py'), 'raise SystemExit(4)\n')
      linkSync(join(dir, 'crash.py'), join(upload, 'main.py'))
      linkSync(join(outside, 'secret.txt'), join(upload, 'more.txt'))
    },
    says: /ended with exit code 4/,
    becomes: 'rolled-back',
  },
}

testCorpus('hostile kinds of files', kinds)
testCorpus('hostile programs that crash', crashes, longTrial)
