import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { makeCheckout, programSaying, startCheckout } from '../harness/checkout.ts'
import { runSupervisor } from '../harness/command.ts'
import { passes } from '../harness/daemon.ts'
import { serveGitHttp } from '../harness/git-http.ts'
import { writeSettings } from '../harness/project.ts'
import { hasSshServer, startSshServer } from '../harness/ssh-server.ts'

test('over SSH, with a deploy key and a known host', async (t) => {
  if (!hasSshServer(t)) return
  const server = await startSshServer(t)
  const checkout = await makeCheckout(t, {
    git: { ssh_key: server.key, known_hosts: server.knownHosts },
  })
  const { remote, git } = checkout
  git('remote', 'set-url', 'origin', `${server.url}${remote.dir}`)
  const daemon = await startCheckout(t, checkout)
  await remote.commit({ 'main.py': programSaying('over ssh') })
  await passes(daemon, 'r1', /over ssh/)
})

test('a host that is not known is not trusted', async (t) => {
  if (!hasSshServer(t)) return
  const server = await startSshServer(t)
  const checkout = await makeCheckout(t, { git: { ssh_key: server.key, known_hosts: 'none' } })
  checkout.git('remote', 'set-url', 'origin', `${server.url}${checkout.remote.dir}`)
  await startCheckout(t, checkout, /Host key verification failed[\s\S]*ssh-keyscan/)
})

test('over http; a server that fails is told once, and asked again until it answers', async (t) => {
  const checkout = await makeCheckout(t, {
    git: { every: '100ms', retry: '50ms', retry_max: '200ms' },
  })
  const { remote, git } = checkout
  const server = await serveGitHttp(t, dirname(remote.dir))
  git('remote', 'set-url', 'origin', `${server.url}/app.git`)
  const daemon = await startCheckout(t, checkout, /main is at [0-9a-f]{9}, as main of origin/)
  server.behave('503')
  await daemon.says(/the remote says no:[\s\S]*503/)
  const asked = server.asked.length
  await remote.commit({ 'main.py': programSaying('over http') })
  while (server.asked.length < asked + 5) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(daemon.output().match(/the remote says no/g)?.length, 1)
  server.behave('well')
  await daemon.says(/it goes on: main of origin is at/)
  await daemon.says(/r1 out +over http/)
})

test('a server that never answers is left at the deadline', async (t) => {
  const checkout = await makeCheckout(t, { git: { deadline: '300ms' } })
  const { remote, git } = checkout
  const server = await serveGitHttp(t, dirname(remote.dir))
  server.behave('hangs')
  git('remote', 'set-url', 'origin', `${server.url}/app.git`)
  const daemon = await startCheckout(
    t,
    checkout,
    /the remote has said nothing for 300 ms; deadline/,
  )
  assert.equal(await daemon.end(), 0)
})

test('a commit that comes slowly is waited for longer than for an answer', async (t) => {
  const checkout = await makeCheckout(t, { git: { deadline: '2500ms', every: '100ms' } })
  const { remote, git } = checkout
  const server = await serveGitHttp(t, dirname(remote.dir))
  git('remote', 'set-url', 'origin', `${server.url}/app.git`)
  const daemon = await startCheckout(t, checkout, /main is at [0-9a-f]{9}, as main of origin/)
  server.behave('crawls')
  // Five seconds of it.
  const noise = randomBytes(150_000).toString('base64')
  await remote.commit({ 'main.py': programSaying('over a slow line'), noise })
  await daemon.says(/r1 out +over a slow line/, 60_000)
})

test('an address that would run a command is refused', async (t) => {
  const checkout = await makeCheckout(t)
  checkout.git('remote', 'set-url', 'origin', `ext::sh -c touch% ${checkout.dir}/harmed`)
  await startCheckout(t, checkout, /transport 'ext' not allowed/)
})

test('the highest version among tags', async (t) => {
  const checkout = await makeCheckout(t, { git: { tag: 'v*' } })
  const { remote, git } = checkout
  git('checkout', '-q', '--detach')
  const daemon = await startCheckout(t, checkout, /origin has no tag v\*/)
  await remote.commit({ 'main.py': programSaying('nine') })
  remote.git('tag', 'v1.9')
  await passes(daemon, 'r1', /nine/)
  await remote.commit({ 'main.py': programSaying('ten') })
  remote.git('tag', '-a', '-m', 'ten', 'v1.10')
  await remote.commit({ 'main.py': programSaying('not tagged') })
  await daemon.says(/r2: [0-9a-f]{9} a change \(v1\.10 of origin\)/)
  await passes(daemon, 'r2', /ten/)
  assert.equal(git('rev-parse', 'HEAD'), remote.git('rev-parse', 'v1.10^{}'))
})

test('update looks now, and waits for the end', async (t) => {
  const checkout = await makeCheckout(t, { git: { every: '1h' } })
  const { dir, remote } = checkout
  await startCheckout(t, checkout, /main is at/)
  const nothing = await runSupervisor(['update'], dir)
  assert.equal(nothing.code, 0, nothing.stderr)
  assert.match(nothing.stdout, /^main is at [0-9a-f]{9}, as main of origin$/m)
  await remote.commit({ 'main.py': programSaying('second') })
  const done = await runSupervisor(['update'], dir)
  assert.equal(done.code, 0, done.stderr)
  assert.match(done.stdout, /r1: committed/)
  await remote.commit({ 'main.py': 'def broken(:\n' })
  const refused = await runSupervisor(['update'], dir)
  assert.equal(refused.code, 1)
  assert.match(refused.stdout, /r2: rejected/)
  const again = await runSupervisor(['update'], dir)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /was tried as r2 and did not pass/)
  const { git } = JSON.parse((await runSupervisor(['status', '--json'], dir)).stdout)
  assert.equal(git.remote, 'origin')
  assert.equal(git.found, 'waits')
  assert.match((await runSupervisor(['status'], dir)).stdout, /git +origin\n +looked at/)
})

test('without a remote git is not used, until the settings are read again', async (t) => {
  const checkout = await makeCheckout(t, { git: { remote: '' } })
  const { dir, remote } = checkout
  const daemon = await startCheckout(t, checkout, /r0 out/)
  await remote.commit({ 'main.py': programSaying('second') })
  const off = await runSupervisor(['update'], dir)
  assert.equal(off.code, 1)
  assert.match(off.stderr, /there is no remote under \[git\]/)
  await writeSettings(dir, { git: { remote: 'origin' } })
  assert.equal((await runSupervisor(['reload'], dir)).code, 0)
  // Until it is committed: a git that still moves HEAD would make the folder anew.
  await passes(daemon, 'r1', /second/)
  renameSync(join(dir, 'main/.git'), join(dir, 'away'))
  writeFileSync(join(dir, 'harmless'), '')
  assert.match((await runSupervisor(['update'], dir)).stderr, /is not a checkout of git/)
})
