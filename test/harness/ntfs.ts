import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { until } from './processes.ts'
import { isUnmounted } from './small-disk.ts'
import { hasTools, makeFolder, placeOf, runWell } from './tools.ts'

/**
 * Mounts a new NTFS on a folder, which is made, and unmounts it after the test. It takes no name that
 * Windows would not take (`a:b`), and with `ignore_case` does not tell `A` from `a`. False: the test is
 * skipped, it cannot be had here.
 */
export async function mountNtfs(
  t: TestContext,
  at: string,
  options: 'windows_names' | 'ignore_case',
): Promise<boolean> {
  if (!hasTools(t, 'lowntfs-3g', 'mkntfs')) return false
  const folder = await makeFolder(t)
  const image = join(folder, 'image')
  writeFileSync(image, '')
  truncateSync(image, 20_000_000)
  await runWell('mkntfs', ['-F', '-Q', image], folder)
  mkdirSync(at, { recursive: true })
  try {
    execFileSync(placeOf('lowntfs-3g') ?? '', ['-o', options, image, at], { stdio: 'pipe' })
  } catch (error) {
    t.skip(`needs FUSE and the right to mount: ${error instanceof Error ? error.message : error}`)
    return false
  }
  afterwards(t, () => until(`nobody is on ${at}`, () => isUnmounted(at)))
  return true
}
