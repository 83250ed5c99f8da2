import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Daemon, startDaemon } from './daemon.ts'
import { isLiving } from './processes.ts'
import { makeProject, type Settings, type Tree, writeTree } from './project.ts'
import { makeWheel, type TestPackage, wheelName } from './wheels.ts'

/** A program that says which widget it has, and stays. */
export const widgetProgram = `import sys, time
import widget
print("widget", widget.VERSION, "in", sys.prefix, flush=True)
while True:
    time.sleep(0.2)
`

/** One that gets along without. */
export const frugalProgram = `import time
try:
    import widget
    print("widget", widget.VERSION, flush=True)
except ImportError:
    print("no widget", flush=True)
while True:
    time.sleep(0.2)
`

/** Settings with which nothing waits for long, and little space is enough. */
export const packageSettings = {
  python: { retry: '100ms', retry_max: '400ms', min_free: '1MB' },
  verify: { repair: '100ms' },
}

/** A project with this in main. */
export async function makeProgram(
  t: TestContext,
  main: Tree,
  settings: Settings = {},
): Promise<string> {
  const python = { ...packageSettings.python, ...settings['python'] }
  const verify = { ...packageSettings.verify, ...settings['verify'] }
  const dir = await makeProject(t, { ...settings, python, verify })
  await writeTree(join(dir, 'main'), main)
  return dir
}

/** The environment in which pip knows this index only, and nothing of the user's. */
export function pipSettings(dir: string, url: string): NodeJS.ProcessEnv {
  return {
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: url,
    PIP_CACHE_DIR: join(dir, 'pip-cache'),
    // Without any it would not say that the network is gone.
    PIP_RETRIES: '1',
  }
}

/** A daemon whose pip knows this index only. */
export function startWithIndex(t: TestContext, dir: string, url: string): Promise<Daemon> {
  return startDaemon(t, dir, pipSettings(dir, url))
}

/** An index that is not there: its port is closed. */
export const noIndex = 'http://127.0.0.1:9/simple/'

/** The whole environments of a project, and what is installed in each. */
export function environmentsOf(
  dir: string,
): { readonly address: string; readonly packages: string[] }[] {
  const folder = join(dir, '.supervisor/environments')
  return namesOf(folder).flatMap((name) => {
    const address = /^([0-9a-f]{16})\.json$/.exec(name)?.[1]
    if (address === undefined) return []
    const { packages } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    return [{ address, packages }]
  })
}

/** All folders of environments, whole or not. */
export function environmentFolders(dir: string): string[] {
  return namesOf(join(dir, '.supervisor/environments')).filter((name) => !name.endsWith('.json'))
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The wheels of packages, as files of a folder `wheels/`. */
export function wheelsOf(...packages: readonly TestPackage[]): Record<string, Buffer> {
  return Object.fromEntries(packages.map((one) => [`wheels/${wheelName(one)}`, makeWheel(one)]))
}

/** What pip needs to build a package of one module, `NAME.py`, without anything from an index. */
export function buildable(name: string, version: string): Tree {
  const backend = `import os, zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "${name}-${version}-py3-none-any.whl"
    info = "${name}-${version}.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write("${name}.py")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: ${name}\\nVersion: ${version}\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
`
  const project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
  return { 'backend.py': backend, 'pyproject.toml': project }
}

/** The living processes of installs in this project: they carry a tag. */
export function jobsOf(dir: string): number[] {
  const tag = `OTA_SUPERVISOR_INSTALL=${join(dir, '.supervisor/environments')}\0`
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isLiving(pid))
    .filter((pid) => textOf(`/proc/${pid}/environ`).includes(tag))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** How long an install is waited for, in milliseconds: it takes a second or two, on a busy machine much longer. */
export const slow = 60_000
