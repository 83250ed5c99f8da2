import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { passes, startDaemon } from '../harness/daemon.ts'
import { drop } from '../harness/deposit.ts'
import { serveGitHttp } from '../harness/git-http.ts'
import {
  buildable,
  environmentsOf,
  frugalProgram,
  makeProgram,
  noIndex,
  pipSettings,
  slow,
  startWithIndex,
  widgetProgram,
} from '../harness/packages.ts'
import { makeRepository } from '../harness/repository.ts'
import { hasSshServer, startSshServer } from '../harness/ssh-server.ts'
import { hasTools, makeFolder } from '../harness/tools.ts'

const widget = { ...buildable('widget', '1.0'), 'widget.py': 'VERSION = "first"\n' }

test('a source: its tag, with or without v, is a commit, and a moved tag changes nothing that is there', async (t) => {
  const { dir: repository, commit, git } = await makeRepository(t, await makeFolder(t), 'w', widget)
  git('tag', '-a', 'v1.0', '-m', 'one')
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const daemon = await startWithIndex(t, dir, noIndex)
  const line = `widget,1.0,git+file://${repository}\n`
  await drop(daemon, { 'main.py': widgetProgram, gupfile: line })
  await passes(daemon, 'r1', /widget first/, slow)

  await commit({ 'widget.py': 'VERSION = "second"\n' })
  git('tag', '-fa', 'v1.0', '-m', 'moved')
  await drop(daemon, { 'x.txt': 'x', gupfile: line })
  await passes(daemon, 'r2', /widget first/)
  // A gupfile that is written anew is looked up anew; the version of the package is still the same.
  await drop(daemon, { gupfile: `# again\n${line}` })
  await passes(daemon, 'r3', /widget second/, slow)
  await drop(daemon, { gupfile: `widget,2.0,git+file://${repository}\n` })
  await daemon.says(/r4: rejected: gupfile, line 1: .*w\.git has no tag and no branch 2\.0/, slow)
  assert.equal(environmentsOf(dir).length, 2)
})

test('a source on an HTTPS server whose certificate git has been told of, with a password that is not told', async (t) => {
  if (!hasTools(t, 'openssl')) return
  const root = await makeFolder(t)
  const { git } = await makeRepository(t, root, 'w', widget)
  git('tag', 'v1.0')
  const server = await serveGitHttp(t, root, { isSecure: true, login: 'me:topsecret' })
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const settings = { ...pipSettings(dir, noIndex), GIT_SSL_CAINFO: server.ca ?? '' }
  const daemon = await startDaemon(t, dir, settings)
  const url = server.url.replace('https://', 'https://me:topsecret@')
  await drop(daemon, { 'main.py': widgetProgram, gupfile: `widget,1.0,git+${url}/w.git\n` })
  await passes(daemon, 'r1', /widget first in .*environments/, slow)
  await drop(daemon, { gupfile: `widget,3.0,git+${url}/w.git\n` })
  await daemon.says(/r2: rejected: gupfile, line 1: .*w\.git has no tag and no branch 3\.0/, slow)
  assert.doesNotMatch(daemon.output(), /topsecret/)
})

test('a source on an SSH server: by branch and by commit; and when it is gone the release waits for it', async (t) => {
  if (!hasSshServer(t)) return
  const root = await makeFolder(t)
  const { dir: repository, commit } = await makeRepository(t, root, 'w', widget)
  const server = await startSshServer(t)
  const dir = await makeProgram(t, { 'main.py': frugalProgram })
  const gitSettings = join(root, 'gitconfig')
  const sayHow = (command: string) => writeFile(gitSettings, `[core]\nsshCommand = ${command}\n`)
  // What it would ask a person: is this the server you mean?
  await sayHow(`ssh -F /dev/null -o UserKnownHostsFile=/dev/null -i ${server.key}`)
  const settings = { ...pipSettings(dir, noIndex), GIT_CONFIG_GLOBAL: gitSettings }
  const daemon = await startDaemon(t, dir, settings)
  const source = `git+${server.url}${repository}`
  await drop(daemon, { 'main.py': widgetProgram, gupfile: `widget,main,${source}\n` })
  await daemon.says(/r1: rejected: widget: .* does not tell its versions/, slow)
  await daemon.says(/Host key verification failed/)
  await daemon.says(/ssh does not know this server yet.*ssh-keyscan/)
  await sayHow(server.command)
  await drop(daemon, { 'main.py': widgetProgram, gupfile: `widget,main,${source}\n` })
  await passes(daemon, 'r2', /widget first in .*environments/, slow)
  const second = await commit({ 'widget.py': 'VERSION = "second"\n' })
  await drop(daemon, { gupfile: `widget,${second},${source}\n` })
  await passes(daemon, 'r3', /widget second/, slow)
  await server.close()
  await drop(daemon, { gupfile: `# again\nwidget,main,${source}\n` })
  await daemon.says(/r4: rejected for now: widget: .* does not tell its versions/, slow)
})

test('a server of sources that fails, hangs or closes is waited for; plain http only where it is allowed', async (t) => {
  const root = await makeFolder(t)
  await makeRepository(t, root, 'w', widget)
  const server = await serveGitHttp(t, root)
  const python = { sources: ['git+http'], git: '2s' }
  const dir = await makeProgram(t, { 'main.py': frugalProgram }, { python })
  const daemon = await startWithIndex(t, dir, noIndex)
  const gupfile = `widget,main,git+${server.url}/w.git\n`
  await drop(daemon, { gupfile: gupfile.replace('http', 'https') })
  await daemon.says(/r1: rejected: gupfile, line 1: .* it must begin with git\+http:/, slow)
  server.behave('closes')
  await drop(daemon, { 'main.py': widgetProgram, gupfile })
  await daemon.says(/r2: rejected for now: .*\n.*Empty reply from server/, slow)
  server.behave('503')
  await daemon.says(/r2: rejected for now: .*\n.*503/, slow)
  server.behave('hangs')
  await daemon.says(/r2: rejected for now: .*\n.*no answer within 2 s/, slow)
  server.behave('well')
  await passes(daemon, 'r2', /widget first/, slow)
})
