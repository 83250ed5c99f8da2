import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openProgress } from '../../src/cli/progress.ts'

/** What is shown of steps that come at these moments, in milliseconds from the beginning. */
function shown(moments: readonly number[]): string[] {
  let at = 5_000
  const progress = openProgress({ now: () => at })
  return moments.map((moment, index) => {
    at = 5_000 + moment
    return progress(`${index + 1}`, index === moments.length - 1)
  })
}

test('what is done at once is not shown', () => {
  assert.deepEqual(shown([0, 500, 999]), ['', '', ''])
})

test('what takes longer is shown now and then, and its line is always ended', () => {
  const texts = shown([0, 1_000, 1_100, 1_200, 1_300])
  assert.deepEqual(texts, ['', '\r2', '', '\r4', '\r5\n'])
  assert.deepEqual(shown([0, 1_500]), ['', '\r2\n'])
})
