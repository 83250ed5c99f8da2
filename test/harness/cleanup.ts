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
    const failures: unknown[] = []
    // One that fails must not keep the others from ending what the test has begun.
    for (const one of list.toReversed()) {
      try {
        await one()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  })
}
