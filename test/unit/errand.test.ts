import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaults } from '../../src/config.ts'
import { runErrand } from '../../src/program/errand.ts'
import { silent } from '../harness/silence.ts'
import { makeSite } from '../harness/site.ts'

test('what a command said last is known, though the log has no room to the end', async (t) => {
  const site = await makeSite(t, { program: { ...defaults.program, drainMs: 100 } })
  const argv = ['sh', '-c', 'printf "one\\ntwo\\nthe last\\n" >&2; exit 3']
  const full = { ...silent, room: () => new Promise<void>(() => undefined) }
  const never = new AbortController().signal
  const errand = { argv, env: process.env, deadlineMs: 60_000, who: 'hook' } as const
  const done = await runErrand(errand, site, full, never)
  assert.deepEqual(done.end, { is: 'done', value: { is: 'code', code: 3 } })
  assert.equal(done.lastWords, 'the last')
})
