import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { currentOf } from '../../src/self/records.ts'
import { disk } from '../../src/system/disk.ts'
import { makeCertificate } from '../harness/git-http.ts'
import { listen } from '../harness/listening.ts'
import { makeProject, readTree } from '../harness/project.ts'
import { makeRepository, type Repository } from '../harness/repository.ts'
import { hasTools, makeFolder } from '../harness/tools.ts'
import { untilNothing } from '../harness/until.ts'
import {
  makeInstall,
  makeVersion,
  packVersion,
  runCurrent,
  startLaunched,
} from '../harness/versions.ts'

/** Where versions come from: git remotes and folders of packages. No daemon runs: the verb does it. */

async function makeWorld(t: TestContext, settings: Readonly<Record<string, unknown>>) {
  const dir = await makeProject(t, { self_update: settings })
  // A project in which no daemon has run yet is none.
  disk.makeDir(join(dir, '.supervisor'))
  const install = await makeInstall(t)
  const update = (...args: readonly string[]) => runCurrent(install, ['self-update', ...args], dir)
  return { dir, install, update }
}

/** A version that has to be built, as a commit of this program has: with scripts that need no package. */
function sourceOf(version: string, build: string): Record<string, string> {
  const engines = { node: '>=20.19.0' }
  const scripts = { build, preinstall: 'touch was-run' }
  const card = {
    name: 'ota-supervisor',
    version,
    type: 'module',
    engines,
    files: ['dist'],
    scripts,
  }
  const packages = { '': { name: card.name, version, engines, hasInstallScript: true } }
  const lock = { name: card.name, version, lockfileVersion: 3, requires: true, packages }
  return {
    'package.json': JSON.stringify(card),
    'package-lock.json': JSON.stringify(lock),
    'tell.js': `console.log('${version}')`,
  }
}

const build = 'mkdir -p dist node_modules && cp tell.js dist/supervisor.js'

async function releaseAs(repository: Repository, version: string, how = build): Promise<void> {
  await repository.commit(sourceOf(version, how))
  repository.git('tag', `v${version}`)
}

test('the highest tag of a git remote is built and installed, without scripts of an install', async (t) => {
  const repository = await makeRepository(t, await makeFolder(t), 'us', {})
  const { install, update } = await makeWorld(t, { from: `git+file://${repository.dir}` })
  assert.match((await update()).stderr, /no tag v\*/)
  await releaseAs(repository, '0.9.0')
  await releaseAs(repository, '0.10.0')
  repository.git('tag', 'vnext')
  await repository.commit(sourceOf('0.11.0', build))
  assert.match((await update('--check')).stdout, /^version 0\.10\.0 is there \(v0\.10\.0 of file:/)
  assert.equal(currentOf(install), '0.1.0')
  const done = await update()
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /0\.10\.0 is ready: the next start of the daemon is one of it/)
  assert.equal(currentOf(install), '0.10.0')
  assert.equal(await disk.readText(install.pending), '0.10.0\n0.1.0\n')
  const files = Object.keys(await readTree(join(install.releases, '0.10.0')))
  assert.deepEqual(files, ['dist/supervisor.js', 'package.json'])
})

test('a branch that has dist/ needs no npm, and what cannot be built is refused', async (t) => {
  const repository = await makeRepository(t, await makeFolder(t), 'us', {})
  repository.git('branch', '-m', 'release')
  const from = `git+file://${repository.dir}`
  const { install, update } = await makeWorld(t, { from, branch: 'release' })
  await repository.commit(sourceOf('0.2.0', 'echo no; exit 3'))
  assert.match((await update()).stderr, /npm run --silent build: exit code 3\nno/)
  await makeVersion(repository.tree, '0.3.0')
  await repository.commit({})
  assert.equal((await update()).code, 0)
  assert.equal(currentOf(install), '0.3.0')
  assert.equal((await runCurrent(install, ['version'], '/')).stdout, '0.3.0\n')
})

test('a daemon that starts while a version is made ready leaves it alone, and runs on', async (t) => {
  const repository = await makeRepository(t, await makeFolder(t), 'us', {})
  const { dir, install, update } = await makeWorld(t, { from: `git+file://${repository.dir}` })
  const go = join(dir, 'go')
  await releaseAs(repository, '0.2.0', `until test -e '${go}'; do sleep 0.1; done && ${build}`)
  const updating = update()
  await untilNothing(async () =>
    disk.list(install.releases).includes('.new') ? null : 'not begun',
  )
  const daemon = await startLaunched(t, dir, install)
  await daemon.says(/nothing to run yet|waiting for uploads/)
  await writeFile(go, '')
  assert.match((await updating).stderr, /the daemon was started meanwhile\n.*self-update/)
  assert.equal(currentOf(install), '0.1.0')
})

test('of a git remote only what is signed is used, as a commit or as a tag', async (t) => {
  if (!hasTools(t, 'ssh-keygen')) return
  const { key, signers } = await makeKey(t)
  const repository = await makeRepository(t, await makeFolder(t), 'us', {})
  const from = `git+file://${repository.dir}`
  const { install, update } = await makeWorld(t, { from, allowed_signers: signers })
  await releaseAs(repository, '0.2.0')
  assert.match((await update()).stderr, /not signed by anybody in allowed_signers/)
  const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`]
  repository.git(...signing, 'tag', '-s', '-m', 'signed', 'v0.2.1')
  await repository.commit(sourceOf('0.3.0', build))
  repository.git(...signing, 'tag', '-s', '-m', 'signed', 'v0.3.0')
  assert.equal((await update()).code, 0)
  assert.equal(currentOf(install), '0.3.0')
})

/** A key, and the file that says that its signatures count. */
async function makeKey(t: TestContext): Promise<{ key: string; signers: string }> {
  const folder = await makeFolder(t)
  const [key, signers] = [join(folder, 'key'), join(folder, 'signers')]
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
  await writeFile(signers, `us@example.org ${await readFile(`${key}.pub`, 'utf8')}`)
  return { key, signers }
}

test('packages come over https, signed by their list', async (t) => {
  if (!hasTools(t, 'ssh-keygen', 'openssl')) return
  const shelf = await makeFolder(t)
  const { key, signers } = await makeKey(t)
  const { url, ca } = await serveFolder(t, shelf)
  const { dir, install } = await makeWorld(t, {
    from: `${url}/mirror/`,
    allowed_signers: signers,
  })
  const update = () => runCurrent(install, ['self-update'], dir, { NODE_EXTRA_CA_CERTS: ca })
  assert.match((await update()).stderr, /files\/SHA256SUMS is answered with 404/)
  await packVersion(shelf, '0.2.0')
  const list = join(shelf, 'SHA256SUMS')
  assert.match((await update()).stderr, /SHA256SUMS\.sig is answered with 404/)
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', key, list], { stdio: 'pipe' })
  // Signed is what was in it then.
  await packVersion(shelf, '0.3.0')
  assert.match((await update()).stderr, /SHA256SUMS is not signed by anybody in allowed_signers/)
  execFileSync('rm', [`${list}.sig`])
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', key, list], { stdio: 'pipe' })
  assert.match(
    (await runCurrent(install, ['self-update'], dir)).stderr,
    /SHA256SUMS cannot be read: .*self[- ]signed certificate/,
  )
  const done = await update()
  assert.equal(done.code, 0, done.stderr)
  assert.equal(currentOf(install), '0.3.0')
})

/** Serves a folder as `/files`, to which `/mirror` leads on, until the test ends. */
async function serveFolder(t: TestContext, folder: string): Promise<{ url: string; ca: string }> {
  const { key, certificate } = makeCertificate(await makeFolder(t))
  const secrets = { key: readFileSync(key), cert: readFileSync(certificate) }
  const server = createServer(secrets, (request, response) => {
    const [, place, name = ''] = (request.url ?? '').split('/')
    if (place === 'mirror') {
      response.writeHead(302, { location: `/files/${name}` }).end()
      return
    }
    readFile(join(folder, name)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  return { url: `https://127.0.0.1:${await listen(t, server)}`, ca: certificate }
}

test('nothing is exchanged where others may write', async (t) => {
  const shelf = await makeFolder(t)
  await packVersion(shelf, '0.2.0')
  const { install, update } = await makeWorld(t, { from: shelf })
  await chmod(install.dir, 0o775)
  const { code, stderr } = await update()
  assert.equal(code, 1)
  assert.match(stderr, /others than root and this user may write in .*\n.*chmod go-w/)
  assert.equal(currentOf(install), '0.1.0')
  await chmod(install.dir, 0o755)
  assert.equal((await update()).code, 0)
})

test('a package that is no package, and one that leads out, are refused', async (t) => {
  const shelf = await makeFolder(t)
  const { install, update } = await makeWorld(t, { from: shelf })
  const list = async (name: string) => {
    const sums = execFileSync('sha256sum', [name], { cwd: shelf, encoding: 'utf8' })
    await writeFile(join(shelf, 'SHA256SUMS'), sums)
  }
  await writeFile(join(shelf, 'ota-supervisor-0.2.0.tgz'), 'nothing')
  await list('ota-supervisor-0.2.0.tgz')
  assert.match((await update()).stderr, /0\.2\.0\.tgz cannot be unpacked/)
  await writeFile(join(shelf, 'evil'), 'evil')
  const args = [
    '-czPf',
    'ota-supervisor-0.3.0.tgz',
    '--transform=s,evil,package/../../evil,',
    'evil',
  ]
  execFileSync('tar', args, { cwd: shelf, stdio: 'pipe' })
  await list('ota-supervisor-0.3.0.tgz')
  assert.match((await update()).stderr, /0\.3\.0\.tgz cannot be unpacked: .*would leave the folder/)
  assert.deepEqual(disk.list(install.releases), ['0.1.0'])
})
