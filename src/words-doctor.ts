import { count, type Named, names, seconds, shown, size } from './phrases.ts'

/**
 * What `doctor` says, in one place. Each text is one line of 54 columns, names and paths apart: a
 * window of 60 is common over SSH.
 */
export const doctorWords = {
  // --- how it went ---

  late: (check: string, ms: number) => `${check}: no answer within ${seconds(ms)}`,
  failed: (check: string, why: string) => `${check}: ${why}`,
  fault: (check: string, why: string) => `${check}: a fault in ota-supervisor: ${why}`,
  noUser: (name: string) => `there is no user ${shown(name)} on this machine`,
  summary: (errors: number, warnings: number, unknown: number, ok: number) =>
    [
      ...(errors > 0 ? [count(errors, 'error')] : []),
      ...(warnings > 0 ? [count(warnings, 'warning')] : []),
      ...(unknown > 0 ? [`${unknown} unknown`] : []),
      `${ok} ok`,
    ].join(', '),

  // --- the machine ---

  node: (version: string) => `Node ${version}`,
  nodeTooOld: (version: string, least: string) => `Node ${version} is too old: ${least} or newer`,
  python: (version: string, path: string) => `Python ${version}, ${path}`,
  noPython: 'there is no Python 3: main.py cannot run',
  pythonOld: (version: string, least: string) =>
    `Python ${version} is old: archives need ${least} or newer`,
  pythonLacks: (modules: readonly string[]) =>
    `Python cannot import ${modules.join(', ')}: checks fail`,
  venv: 'packages can be installed',
  noVenv: 'no pip or venv: packages cannot be installed',
  noCommand: {
    flock: 'flock is missing: the daemon cannot start',
    sync: 'sync is missing: nothing can be applied',
    setpriv: 'setpriv is missing: main.py outlives kill -9',
    ps: 'ps is missing: a stop may leave processes',
    git: 'git is missing: needed if releases come from git',
    'systemd-notify': 'systemd-notify is missing: no watchdog',
  },
  memory: (bytes: number) => `${size(bytes)} of memory left`,
  lowMemory: (bytes: number, hasSwap: boolean) =>
    `only ${size(bytes)} of memory left${hasSwap ? ', with swap' : ', and no swap'}`,
  power: 'power supply',
  underVoltage: 'under-voltage: a better power supply or cable!',
  wasUnderVoltage: 'under-voltage since the boot: a better supply!',
  throttled: 'too hot: the processor is slowed down',
  noPower: 'vcgencmd does not tell about the power supply',
  synchronised: 'the clock is synchronised',
  notSynchronised: 'the clock is not synchronised',
  notKept: 'a power cut sets the clock back (no battery)',
  wrongYear: (year: number) => `the clock is wrong: it says ${year}`,
  clockUnknown: 'nothing tells whether the clock is right',

  // --- the project ---

  project: (path: string) => `project ${shown(path)}`,
  newProject: (path: string) => `${shown(path)}: no project yet; \`run\` makes it`,
  noFolder: (path: string) => `${shown(path)} is not a folder`,
  dead: (path: string) => `${shown(path)} does not answer: a dead mount?`,
  closedProject: (user: string, path: string) => `${user} cannot look into ${shown(path)}`,
  settings: 'settings',
  settingsBroken: (why: string) => shown(why.replace(/\s+/g, ' ')),
  settingsClosed: (user: string) => `${user} cannot read supervisor.toml`,
  daemon: (pid: number, user: string) => `the daemon runs (pid ${pid}, ${user})`,
  daemonHangs: (pid: number) => `the daemon (pid ${pid}) does not answer: it hangs`,
  noDaemon: 'no daemon runs here',
  daemons: (pids: readonly number[]) => `${pids.length} daemons run here (pid ${pids.join(', ')})`,
  noLeftovers: 'no leftover processes',
  leftovers: (left: readonly Named[]) =>
    `left over by a killed daemon: ${names(left.slice(0, 3))}${left.length > 3 ? ', …' : ''}`,
  leftoversUnseen: (user: string) => `only root and ${user} see leftover processes`,
  strangers: (pids: readonly number[]) =>
    `main.py also runs outside the daemon (pid ${pids.join(', ')})`,

  service: (unit: string) => `${unit} starts the daemon at boot`,
  noService: 'no service: a reboot does not start it',
  notEnabled: (unit: string) => `${unit} is not started at boot`,
  notLingering: (unit: string, user: string) => `${unit} ends when ${user} logs out`,
  stopped: (unit: string) => `${unit} is stopped`,
  byHand: (unit: string) => `the daemon runs, but not as ${unit}`,

  onlyTells: 'newer versions of ota-supervisor are told of',
  notExchanged: 'newer versions are only told of: not installed for more',
  exchanges: (dir: string) => `newer versions are installed in ${dir}`,
  openVersions: (path: string) => `others may exchange ota-supervisor: ${path}`,

  // --- disks ---

  space: (bytes: number, holds: string) => `${size(bytes)} free for ${holds}`,
  lowSpace: (bytes: number, holds: string) => `only ${size(bytes)} free for ${holds}`,
  lowFiles: (files: number, holds: string) =>
    `room for only ${count(files, 'new file')} (inodes): ${holds}`,
  disks: (kinds: readonly string[]) => `file system: ${kinds.join(', ')}`,
  foreignDisk: (name: string, kind: string) => `${name} is on ${kind}: not safe in a power cut`,
  networkDisk: (name: string, kind: string) => `${name} is on ${kind}: it ends with the network`,
  memoryDisk: (name: string, kind: string) => `${name} is on ${kind}: a reboot empties it`,
  overlay: (name: string) => `${name} is on an overlay: a reboot may undo it`,
  healthy: 'the disk is writable and has no errors',
  readOnly: (on: readonly string[]) => `read-only disk: ${on.join(', ')}`,
  diskErrors: (on: readonly string[], errors: number) =>
    `${count(errors, 'disk error')} since the last check: ${on.join(', ')}`,
  sameDisk: 'deposit/ and main/ are on the same disk',
  otherDisk: 'deposit/ is on another disk than main/: slower',
  stateInMain: 'main/ has its own disk: main/.supervisor is in use',
  mountInMain: (path: string) => `main/${shown(path)} is a mount: no uploads into it`,
  depositLink: 'deposit is a link: links are never followed',

  // --- users ---

  closed(user: string, needs: number, path: string): string {
    if (needs === 1) return `${user} cannot pass through ${shown(path)}`
    return needs & 2
      ? `${user} cannot write in ${shown(path)}`
      : `${user} cannot read ${shown(path)}`
  },
  daemonRights: (user: string) => `${user} may run the daemon here`,
  programRights: (user: string) => `main.py runs as ${user}, who may read it`,
  onlyRootChanges: (daemon: string, user: string) =>
    `${daemon} cannot run main.py as ${user}: only root can`,
  uploaderRights: (user: string) => `${user} may upload into deposit/`,
  others: 'nobody else may change what is run',
  othersWrite: (path: string) => `anybody may write in ${shown(path)}: unsafe`,
  exact: 'uploads: exact; half-written files are never taken',
  byConnection: (user: string) => `${user} uploads, another user: its connection decides`,
  byTimer: (user: string) => `${user} uploads, another user: a timer decides`,
  cutOffKnown: 'SFTP uploads that are cut off are known',
  journalClosed: (user: string) => `${user} cannot read what sshd logs of uploads`,
  ftpWrites: 'vsftpd lets users upload',
  ftpReadOnly: 'vsftpd lets nobody upload',

  // --- the kernel ---

  inotify: (watches: number) => `${watches} inotify watches allowed`,
  inotifyFew: (watches: number) => `only ${watches} inotify watches: uploads seen late`,
  inotifyUsedUp: (watches: number) => `all ${watches} inotify watches are in use`,
  inotifyInstances: (instances: number) => `all ${instances} inotify instances are in use`,
  noInotify: 'this kernel does not tell its inotify limits',
}
