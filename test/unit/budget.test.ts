import assert from 'node:assert/strict'
import { test } from 'node:test'
import { surplus } from '../../src/log/budget.ts'
import type { LogFile } from '../../src/log/folder.ts'

/** Files of these sizes, oldest first. */
function files(...sizes: number[]): LogFile[] {
  return sizes.map((bytes, index) => ({
    name: `${index}`,
    at: new Date(0),
    again: 1,
    part: 1,
    session: index + 1,
    bytes,
    diskBytes: bytes,
    writtenAt: 0,
  }))
}

function gone(sizes: number[], allowed: Partial<Parameters<typeof surplus>[1]>): string {
  const none = { bytes: 1_000, files: 1_000, missingBytes: 0, leastBytes: 0, urgentBytes: 0 }
  return surplus(files(...sizes), { ...none, ...allowed })
    .map(({ name }) => name)
    .join('')
}

test('what keeps to the limits stays', () => {
  assert.equal(gone([], {}), '')
  assert.equal(gone([400, 300, 300], {}), '')
  assert.equal(gone([1, 1, 1], { files: 3 }), '')
})

test('the oldest go until the rest keeps to the limit', () => {
  assert.equal(gone([1, 400, 300, 300], {}), '0')
  assert.equal(gone([400, 300, 300], { bytes: 599 }), '01')
  assert.equal(gone([400, 300, 300], { bytes: 0 }), '012')
})

test('so it is with their number', () => {
  assert.equal(gone([1, 1, 1, 1], { files: 3 }), '0')
  assert.equal(gone([1, 1, 1, 1], { files: 0 }), '0123')
})

test('and with the space that is missing on the disk', () => {
  assert.equal(gone([100, 100, 100], { missingBytes: 1 }), '0')
  assert.equal(gone([100, 100, 100], { missingBytes: 101 }), '01')
  assert.equal(gone([100, 100, 100], { missingBytes: 5_000 }), '012')
})

test('but the newest stay, until the disk is full', () => {
  assert.equal(gone([100, 100, 100], { missingBytes: 5_000, leastBytes: 200 }), '0')
  assert.equal(gone([100, 100, 100], { missingBytes: 5_000, leastBytes: 201 }), '')
  assert.equal(gone([900, 100, 100], { missingBytes: 5_000, leastBytes: 200 }), '0')
  assert.equal(gone([100, 100, 900], { missingBytes: 5_000, leastBytes: 200 }), '01')
  assert.equal(gone([300, 10, 200], { missingBytes: 5_000, leastBytes: 250 }), '')
  assert.equal(gone([100, 100, 100], { leastBytes: 250, urgentBytes: 50 }), '0')
  assert.equal(gone([100, 100, 100], { leastBytes: 250, urgentBytes: 150 }), '01')
})
