import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaults, type Site } from '../../src/config.ts'
import type { Log } from '../../src/model.ts'
import { type Happening, type Hooks, openHooks } from '../../src/project/hooks.ts'
import { clock } from '../../src/system/clock.ts'
import { isLiving, until } from '../harness/processes.ts'
import { releaseOf } from '../harness/releases.ts'
import { makeSite } from '../harness/site.ts'

type Settings = Partial<typeof defaults.hooks>

type World = { readonly hooks: Hooks; readonly site: Site; readonly said: string[] }

async function open(t: TestContext, settings: Settings): Promise<World> {
  const site = await makeSite(t, {
    hooks: { ...defaults.hooks, ...settings },
    program: { ...defaults.program, drainMs: 100 },
  })
  const said: string[] = []
  const log: Log = {
    info: (text) => said.push(text),
    warn: (text) => said.push(`WARNING: ${text}`),
    error: (text) => said.push(`ERROR: ${text}`),
    output: (who, { stream, bytes }) => {
      assert.equal(who, 'hook')
      const texts = bytes.toString().replace(/\n$/, '').split('\n')
      said.push(...texts.map((text) => `${stream}: ${text}`))
    },
    room: async () => undefined,
  }
  return { hooks: openHooks(site, log), site, said }
}

const committed: Happening = {
  event: 'committed',
  release: releaseOf('r3'),
  note: 'a note',
  downtimeMs: 12,
}

const never = new AbortController().signal

const sh = (script: string) => ['sh', '-c', script]

test('a hook reads what happened as one JSON document', async (t) => {
  const { hooks, site, said } = await open(t, {
    committed: sh('cat > got; echo done; echo odd >&2; pwd'),
  })
  hooks.tell(committed)
  hooks.tell({ ...committed, event: 'rejected' })
  await hooks.close(never)
  const { project } = site.paths
  const text = await readFile(join(project, 'got'), 'utf8')
  assert.deepEqual(JSON.parse(text), { ...committed, project })
  assert.match(text, /^\{.*\}\n$/)
  assert.deepEqual(said.toSorted(), ['err: odd', 'out: done', `out: ${project}`].toSorted())
})

test('each event has its own command', async (t) => {
  const { hooks, said } = await open(t, {
    committed: ['echo', 'one'],
    rejected: ['echo', 'two'],
    rolledBack: ['echo', 'three'],
    fatal: sh('cat'),
    running: 1,
  })
  hooks.tell(committed)
  hooks.tell({ ...committed, event: 'rejected', why: 'x' })
  hooks.tell({ ...committed, event: 'rolled-back', why: 'x' })
  hooks.tell({ event: 'fatal', release: { id: 'r3' }, exit: { is: 'code', code: 2 } })
  await hooks.close(never)
  assert.deepEqual(said.slice(0, 3), ['out: one', 'out: two', 'out: three'])
  const { event, release, exit } = JSON.parse(said[3]?.slice('out: '.length) ?? '')
  assert.deepEqual([event, release, exit], ['fatal', { id: 'r3' }, { is: 'code', code: 2 }])
})

test('a hook that does not read, fails or is not there is one line', async (t) => {
  const { hooks, said } = await open(t, {
    committed: sh('exec <&-; exit 3'),
    rejected: ['./not-there'],
    rolledBack: sh('kill -9 $$'),
  })
  const why = 'x'.repeat(1_000_000)
  hooks.tell({ ...committed, why })
  hooks.tell({ ...committed, event: 'rejected' })
  hooks.tell({ ...committed, event: 'rolled-back' })
  await hooks.close(never)
  const [one, two, three, ...more] = said.toSorted()
  assert.match(one ?? '', /^WARNING: the hook for "committed" ended with exit code 3$/)
  assert.match(two ?? '', /^WARNING: the hook for "rejected" could not be started: .*ENOENT$/)
  assert.match(three ?? '', /^WARNING: the hook for "rolled-back" was ended by SIGKILL$/)
  assert.deepEqual(more, [])
})

test('at its deadline a hook is killed, with its whole group', async (t) => {
  const { hooks, site, said } = await open(t, {
    committed: sh('trap "" TERM; sleep 1000 & echo $$ $! > pids; echo up; wait'),
    deadlineMs: 2_000,
  })
  hooks.tell(committed)
  await until('it was ended', () => said.some((line) => line.includes('was ended')))
  const pids = (await readFile(join(site.paths.project, 'pids'), 'utf8')).trim().split(' ')
  assert.equal(pids.length, 2)
  await until('nobody is left', () => !pids.map(Number).some(isLiving))
  assert.deepEqual(said, [
    'out: up',
    'WARNING: the hook for "committed" was ended: it took longer than 2 s',
  ])
})

test('of a flood only the beginning is logged, and the hook goes on', async (t) => {
  const { hooks, site, said } = await open(t, {
    committed: sh('yes | head -c 30000000; touch done'),
    maxOutputBytes: 20,
  })
  hooks.tell(committed)
  await until('the hook has ended', () => said.some((line) => line.startsWith('WARNING')))
  assert.ok(existsSync(join(site.paths.project, 'done')))
  assert.deepEqual(said, [
    ...Array.from({ length: 10 }, () => 'out: y'),
    'WARNING: the hook for "committed" has printed more than 20 bytes; the rest of it is not logged',
  ])
})

test('only some run at a time, some wait, and of more the oldest are dropped', async (t) => {
  const { hooks, site, said } = await open(t, {
    committed: sh('until test -e go; do sleep 0.01; done; grep -o "id...r[0-9]*"'),
    running: 2,
    waiting: 2,
  })
  for (const id of ['r1', 'r2', 'r3', 'r4', 'r5'] as const) {
    hooks.tell({ ...committed, release: releaseOf(id) })
  }
  assert.deepEqual(said, ['WARNING: the hook for "committed" was not run: too many wait'])
  await clock.sleep(50)
  assert.equal(said.length, 1, 'nobody is done')
  site.disk.touch(join(site.paths.project, 'go'))
  await hooks.close(never)
  assert.deepEqual(
    said.slice(1).toSorted(),
    ['r1', 'r2', 'r4', 'r5'].map((id) => `out: id":"${id}`),
  )
})

test('at the end a hook is given a short while, and then ended', async (t) => {
  const { hooks, said } = await open(t, {
    committed: sh('sleep 0.1; echo done'),
    rejected: ['sleep', '1000'],
    running: 2,
    endMs: 2_000,
  })
  hooks.tell(committed)
  hooks.tell({ ...committed, event: 'rejected' })
  hooks.tell({ ...committed, event: 'rejected' })
  hooks.tell({ ...committed, event: 'rejected' })
  await hooks.close(never)
  assert.deepEqual(said, [
    'out: done',
    'WARNING: the hook for "rejected" was not run: the daemon is stopping',
    'WARNING: the hook for "rejected" was ended: the daemon is stopping',
    'WARNING: the hook for "rejected" was ended: the daemon is stopping',
  ])
})

test('a hook is not waited for when the end is hastened', async (t) => {
  const { hooks, said } = await open(t, { committed: ['sleep', '1000'], endMs: 600_000 })
  hooks.tell(committed)
  await hooks.close(AbortSignal.abort())
  assert.deepEqual(said, ['WARNING: the hook for "committed" was ended: the daemon is stopping'])
})
