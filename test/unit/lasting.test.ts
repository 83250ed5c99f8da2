import assert from 'node:assert/strict'
import { test } from 'node:test'
import { earliest, lasting } from '../../src/system/lasting.ts'
import { areForgotten } from '../harness/garbage.ts'

const never = new AbortController().signal
const slow = () => lasting(new Promise<string>(() => undefined))
const soon = (text: string) => lasting(Promise.resolve(text))

test('the first of several, also when it has come before', async () => {
  const come = soon('come')
  assert.deepEqual(await earliest([slow(), come], never), { is: 'done', value: 'come' })
  assert.equal(come.isSettled(), true)
  assert.deepEqual(await earliest([slow(), come], never), { is: 'done', value: 'come' })
})

test('a signal comes first, also when it has come before; and so does time', async () => {
  const call = new AbortController()
  const waiting = earliest([slow()], call.signal)
  call.abort()
  assert.deepEqual(await waiting, { is: 'aborted' })
  assert.deepEqual(await earliest([soon('come')], call.signal), { is: 'aborted' })
  assert.deepEqual(await earliest([slow()], never, 1), { is: 'late' })
  assert.deepEqual(await earliest([], never, 1), { is: 'late' })
})

test('a failure is for who waits next, and goes unheard until then', async () => {
  const broken = lasting(Promise.reject(new Error('broken')))
  await new Promise((resolve) => setImmediate(resolve))
  await assert.rejects(earliest([broken], never), /broken/)
})

test('nothing stays of those who waited and went', async () => {
  const one = slow()
  async function waitInVain(): Promise<object> {
    const call = new AbortController()
    const waiting = earliest([one], call.signal)
    call.abort()
    await waiting
    return call.signal
  }
  assert.equal(await areForgotten(waitInVain), true)
  assert.equal(one.isSettled(), false)
})
