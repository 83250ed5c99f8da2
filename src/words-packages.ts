import type { ReleaseId } from './model.ts'
import { count, seconds, shown, shownLines, size } from './phrases.ts'

/** Every sentence said about the program's packages. Pure: data in, text out. Paths are relative to main. */
export const packageWords = {
  gupTooLong: (most: number) => `it has more than ${most} lines`,
  gupLineTooLong: 'the line is too long',
  gupForm: 'expected "package,version" or "package,version,source"',
  gupName: (found: string) => `${found} is not the name of a package`,
  gupVersion: (found: string) => `${found} is not a version`,
  gupReference: (found: string) => `${found} is not a tag, a branch or a commit`,
  gupScheme: (found: string, schemes: readonly string[]) =>
    `${found} is not a source: it must begin with ${schemes.map((one) => `${one}://`).join(' or ')}`,
  gupAddress: (found: string) => `${found} is not the address of a git repository`,
  gupColon: (found: string) =>
    `${found} is not the address of a git repository: after the host there is a / (git+ssh://git@host/path)`,
  gupTwice: (name: string, line: number) => `${name} is on line ${line} too, and not the same`,
  reqOutside: (target: string) => `${shown(target)} lies outside of main`,
  reqNoFile: (target: string) => `there is no file ${shown(target)}`,
  reqLocal: (target: string) =>
    `${shown(target)} is no wheel or archive in main. A folder of main cannot be a package: import it, or upload it as a wheel`,
  projectForm: '[project] dependencies must be a list of requirements, such as "requests>=2"',
  isStandIn: 'main.py runs without what main asks for; it is tried again by itself',
  installingSince: (from: string, since: string) =>
    `installing what ${from} asks for, for ${since}`,
  noPip: 'there is no pip on this machine, so no packages can be installed',
  noPipHint: 'sudo apt install python3-venv   (or python3-pip)',
  sourceFailed: (name: string, source: string, lines: string) =>
    `${name}: ${source} does not tell its versions:\n${lines}`,
  sourceUnknown: (line: number, source: string, version: string) =>
    `gupfile, line ${line}: ${source} has no tag and no branch ${version}`,
  sourceTwoTags: (version: string, other: string) =>
    `the tags ${version} and ${other} are different commits; ${version} is used`,
  otherVersion: (name: string, tag: string, got: string) =>
    `${name}: what is tagged ${tag} calls itself ${got}`,
  installing: (from: string, packages: readonly string[]) =>
    `installing ${packages.length === 0 ? 'what is in' : `the packages of`} ${from} beside the running program${packages.length === 0 ? '' : `: ${packages.join(', ')}`}`,
  wouldInstall: (from: string, packages: readonly string[]) =>
    `${from}: its packages are not installed yet, and would be${packages.length === 0 ? '' : `: ${packages.join(', ')}`}`,
  stillInstalling: (ms: number, doing: string) =>
    `still installing packages (${seconds(ms)}): ${shown(doing)}`,
  installed: (packages: number, bytes: number, ms: number) =>
    `${count(packages, 'package')} installed in ${seconds(ms)} (${size(bytes)})`,
  installFailed: (lines: string) => `its packages cannot be installed:\n${shownLines(lines)}`,
  killed: 'pip was killed (out of memory? see: sudo dmesg | tail)',
  installLate: (ms: number) =>
    `its packages were not installed within ${seconds(ms)} ([python] install)`,
  networkHint:
    'the network or the package index is gone; without a network: put the wheels into wheels/ beside the gupfile',
  installFullHint: 'the disk is full; make room and upload it again',
  noCompilerHint:
    'it would have to be compiled here, and there is no compiler: put a wheel of it into wheels/, or: sudo apt install build-essential python3-dev',
  noGitHint: 'sudo apt install git',
  unknownServerHint:
    'ssh does not know this server yet. As the user that main.py runs as: ssh-keyscan HOST >> ~/.ssh/known_hosts',
  noAccessHint:
    'there is no such repository, or the user that main.py runs as may not read it: give him a key (ssh-keygen) or a password (git credential-store)',
  gitLate: (ms: number) => `no answer within ${seconds(ms)} ([python] git)`,
  textTooLarge: (path: string, most: number) =>
    `${shown(path)} has more than ${size(most)}: it is no list of packages`,
  environmentBroken: (why: string) =>
    `the Python of its virtual environment does not start: ${why}`,
  sweptEnvironments:
    'removed a half-made virtual environment: the daemon or the power went while it was made',
  collected: (many: number) =>
    `removed ${count(many, 'virtual environment')} that nothing needs any more`,
  standIn: (why: string) => `main.py is started without its packages, with what is there: ${why}`,
  packagesMissing: (from: string) =>
    `those that ${from} asks for are not installed here. It is tried again by itself, and main.py is restarted when they are`,
  trialIsWaiting: 'the trial begins when they are there',
  trialWaits: (id: ReleaseId) =>
    `${id}: its trial waits for its packages; to go back without them: ota-supervisor rollback`,
  remaking: (from: string) =>
    `the packages of ${from} are not there (a first start, removed by hand, or another Python came with an upgrade); installing them before main.py is started`,
  notLinked: (link: string, why: string) =>
    `${link} could not be made to lead to the packages in use: ${why}`,
  notCollected: (why: string) => `a virtual environment could not be removed: ${why}`,
  refusedForNow: (id: ReleaseId, why: string) =>
    `${id}: rejected for now: ${why}\nnothing was changed in main/, and main.py was not stopped; its files are in the deposit again, and it is tried again by itself`,
  noVenv: (path: string, why: string) => `[python] venv: ${path}: ${why}`,
  noVenvHint: 'make it with: python3 -m venv DIR, or remove the setting',
  mistakes: (mistakes: readonly { path: string; line: number; why: string }[]) =>
    mistakes
      .slice(0, 5)
      .map(({ path, line, why }) => `${shown(path)}${line === 0 ? '' : `, line ${line}`}: ${why}`)
      .concat(mistakes.length > 5 ? [`and ${mistakes.length - 5} more mistakes`] : [])
      .join('\n'),
}
