import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../src/config.ts'
import { readEnvironments } from '../../src/python/environment.ts'
import type { Packages } from '../../src/python/packages.ts'
import { disk } from '../../src/system/disk.ts'
import { makeWheel, wheelName } from './wheels.ts'

const widget = { name: 'widget', version: '1.0' }

/** What a release that brings a package has in it. */
export const widgetGupfile = { gupfile: 'widget,1.0\n' }

/** Lets pip find the package in a folder, which is made, and look nowhere else; for this thread. */
export function offerWidget(folder: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, wheelName(widget)), makeWheel(widget))
  for (const name of Object.keys(process.env)) {
    if (/^(PIP|PYTHON)/.test(name)) delete process.env[name]
  }
  Object.assign(process.env, {
    PIP_CONFIG_FILE: '/dev/null',
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: folder,
    PIP_NO_CACHE_DIR: '1',
  })
}

/** What is started has the packages that its main asks for, and all of them. */
export function checkInForce(packages: Packages, main: string): void {
  const { folder } = packages.inUse()
  assert.equal(packages.lacking(), null, 'started without its packages')
  assert.equal(folder !== null, existsSync(join(main, 'gupfile')), 'main asks for another')
  if (folder !== null) checkWhole(folder)
}

/** No folder is there but whole environments, and what is taken for whole is. */
export async function checkEnvironments(site: Site): Promise<void> {
  const { environments } = site.paths
  const whole = await readEnvironments(site)
  for (const { address } of whole) checkWhole(join(environments, address))
  const folders = disk
    .list(environments)
    .filter((name) => disk.kind(join(environments, name)) === 'dir')
  assert.deepEqual(folders.sort(), whole.map(({ address }) => address).sort())
}

function checkWhole(folder: string): void {
  const [lib = ''] = readdirSync(join(folder, 'lib'))
  const module = join(folder, 'lib', lib, 'site-packages', 'widget.py')
  assert.equal(readFileSync(module, 'utf8'), 'VERSION = "1.0"\n')
  assert.ok(existsSync(join(folder, 'bin', 'python')))
}
