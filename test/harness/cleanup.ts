import type { TestContext } from 'node:test'

const tasks = new WeakMap<TestContext, (() => unknown)[]>()

/** Does something when the test has ended, last things first: a daemon ends before its folder goes. */
export function afterwards(t: TestContext, task: () => unknown): void {
  const known = tasks.get(t)
  if (known !== undefined) {
    known.push(task)
    return
  }
  const list = [task]
  tasks.set(t, list)
  t.after(async () => {
    for (const one of list.toReversed()) await one()
  })
}
