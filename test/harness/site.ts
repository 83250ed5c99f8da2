import { mkdirSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type Config, type DepositSite, defaults, pathsOf } from '../../src/config.ts'
import { disk } from '../../src/system/disk.ts'
import { makeProject } from './project.ts'

/** A project on the real disk, with all its folders, for tests without a daemon. */
export async function makeSite(t: TestContext, config: Partial<Config> = {}): Promise<DepositSite> {
  const paths = pathsOf(await makeProject(t))
  for (const path of [paths.deposit, paths.main, paths.releases, paths.rejected]) {
    mkdirSync(path, { recursive: true })
  }
  return { paths, config: { ...defaults, ...config }, disk }
}
