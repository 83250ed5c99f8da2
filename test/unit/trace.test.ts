import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { traceOf } from '../../src/system/trace.ts'
import { supervisorJs } from '../harness/daemon.ts'

/** An error as Node makes it where no maps are enabled. */
function bug(...places: string[]): Error {
  const error = new Error('odd')
  error.stack = ['Error: odd', ...places.map((place) => `    at main (${place})`)].join('\n')
  return error
}

test('the trace of a bug names places in our sources', () => {
  const built = readFileSync(supervisorJs, 'utf8').split('\n')
  const line = built.findIndex((text) => text.includes('async function main(')) + 1
  assert.ok(line > 0)
  const column = (built[line - 1] ?? '').indexOf('async function main(') + 1
  const source = readFileSync(new URL('../../../src/supervisor.ts', import.meta.url), 'utf8')
  const wanted = source.split('\n').findIndex((text) => text.startsWith('async function main(')) + 1
  const trace = traceOf(bug(`${pathToFileURL(supervisorJs)}:${line}:${column}`))
  assert.equal(trace, `Error: odd\n    at main (src/supervisor.ts:${wanted}:1)`)
})

test('a place without a map stays as it is', () => {
  const error = bug('node:events:10:5', 'file:///nowhere/it.js:1:2')
  assert.equal(traceOf(error), error.stack)
  assert.equal(traceOf('no error at all'), 'no error at all')
})
