import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openSlots } from '../../src/system/slots.ts'

/** Work that goes on until it is told to end. */
function openWork(many: () => number) {
  const slots = openSlots(many)
  const begun: number[] = []
  const ends = new Map<number, () => void>()
  return {
    begun,
    begin: (number: number, signal = new AbortController().signal) =>
      slots.during(signal, async () => {
        begun.push(number)
        await new Promise<void>((resolve) => ends.set(number, resolve))
        return number
      }),
    async end(number: number) {
      ends.get(number)?.()
      await turn()
    },
  }
}

test('no more have a place than there are, and who came first goes first', async () => {
  const work = openWork(() => 2)
  const all = [1, 2, 3, 4].map((number) => work.begin(number))
  await turn()
  assert.deepEqual(work.begun, [1, 2])
  await work.end(2)
  assert.deepEqual(work.begun, [1, 2, 3])
  await work.end(1)
  await work.end(3)
  await work.end(4)
  assert.deepEqual(await Promise.all(all), [1, 2, 3, 4])
})

test('who gives up waiting takes no place, and who fails gives his back', async () => {
  const work = openWork(() => 1)
  const first = work.begin(1)
  const over = new AbortController()
  const second = work.begin(2, over.signal)
  const third = work.begin(3)
  over.abort()
  assert.equal(await second, null)
  await work.end(1)
  assert.deepEqual(work.begun, [1, 3])
  await work.end(3)
  await Promise.all([first, third])
  assert.equal(await work.begin(4, over.signal), null)

  const slots = openSlots(() => 1)
  const never = new AbortController().signal
  await assert.rejects(slots.during(never, () => Promise.reject(new Error('no'))))
  assert.equal(await slots.during(never, async () => 'yes'), 'yes')
})

test('their number may change', async () => {
  let many = 1
  const work = openWork(() => many)
  const all = [1, 2, 3].map((number) => work.begin(number))
  await turn()
  many = 3
  await work.end(1)
  assert.deepEqual(work.begun, [1, 2, 3])
  await work.end(2)
  await work.end(3)
  await Promise.all(all)
})
