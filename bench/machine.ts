import { readFile, statfs } from 'node:fs/promises'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { versionOf } from './launch.ts'

/** The machine that figures come from, and how busy it was with other things. */
export type Machine = {
  readonly processor: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly system: string
  /** Of the folder for temporary files, where all is measured. */
  readonly fileSystem: string
  readonly node: string
  readonly python: string
  /** Processes that ran or wanted to, on average over the minute before the bench began. */
  readonly loadBefore: number
}

/** Describes this machine, as it is now. */
export async function describeMachine(): Promise<Machine> {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: /^PRETTY_NAME="(.*)"$/m.exec(system)?.[1] ?? 'Linux',
    fileSystem: fileSystemName((await statfs(tmpdir())).type),
    node: process.versions.node,
    python: await versionOf('python3', ['--version']),
    loadBefore: loadavg()[0] ?? 0,
  }
}

/** Magic numbers of statfs(2). */
function fileSystemName(type: number): string {
  const names = new Map([
    [0xef53, 'ext4'],
    [0x01021994, 'tmpfs'],
    [0x58465342, 'xfs'],
    [0x9123683e, 'btrfs'],
    [0xf2f52010, 'f2fs'],
    [0x794c7630, 'overlayfs'],
  ])
  return names.get(type) ?? `0x${type.toString(16)}`
}
