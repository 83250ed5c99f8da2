import type { Ended, Exit, Guarantee, Hold, ProgramState, Release, ReleaseId } from './model.ts'
import {
  causeText,
  count,
  exitText,
  hintText,
  killedText,
  type Named,
  names,
  resultText,
  seconds,
  shown,
  shownLines,
  size,
  untouchedText,
} from './phrases.ts'

/** Every sentence the daemon says to a person, in one place. Pure: data in, text out. */
export const words = {
  // --- the daemon ---

  hello: (about: {
    version: string
    project: string
    python: string
    node: string
    log: string | null
  }) =>
    [
      `ota-supervisor ${about.version} in ${about.project}`,
      `Python ${about.python}, Node ${about.node}${about.log === null ? '' : `, log ${about.log}`}`,
    ].join('\n'),
  madeFolder: (name: string) => `made the folder ${name}/`,
  waiting: (deposit: string) => `waiting for uploads in ${deposit}`,
  stopping: (signal: string) => `${signal}: stopping main.py, then the daemon`,
  hastened: 'second signal: ending main.py at once',
  goodbye: 'stopped',
  alreadyRunning: (project: string, pid: string) =>
    `another ota-supervisor already runs in ${project}${pid === '' ? '' : ` (pid ${pid})`}`,
  alreadyRunningHint: (pid: string) =>
    pid === '' ? 'stop it first' : `look at it with: ps -fp ${pid}   and stop it with: kill ${pid}`,
  bug: (stack: string) =>
    `a fault in ota-supervisor itself; it looks at the disk and goes on. Please report this:\n${stack}`,
  noSetpriv:
    'setpriv is missing: if the daemon is killed, main.py lives on until the next start. sudo apt install util-linux',

  // --- the log ---

  noLogFile: (dir: string, why: string) =>
    `no log file in ${dir}: ${why}. Everything is on the console only`,
  linesLost: (lines: number) =>
    `supervisor  WARNING: ${count(lines, 'line')} could not be logged here (disk full, or nobody read them)`,

  // --- the program ---

  noMain: (main: string, deposit: string) =>
    `No main.py inside the main directory (${main})\nPut your program into ${deposit}: main.py and what it needs. It starts by itself`,
  state(state: ProgramState): string | null {
    switch (state.is) {
      case 'STARTING':
        return state.pid === 0
          ? null
          : `main.py started (pid ${state.pid}): ${causeText(state.cause)}`
      case 'RUNNING':
        return null
      case 'STOPPING':
        return `main.py is being stopped (pid ${state.pid}): ${causeText(state.cause)}`
      case 'STOPPED':
        return typeof state.why === 'string' ? null : 'main.py stopped'
      case 'EXITED':
        return 'main.py reached its end (exit code 0); waiting for the next deposit'
      case 'BACKOFF':
        return `main.py ${exitText(state.last)}; next start in ${seconds(state.waitMs)}${killedText(state.last)}`
      case 'FATAL':
        return `main.py ${exitText(state.last)}, too often in a short time (FATAL); next start in ${seconds(state.waitMs)}, or at once on a new deposit${killedText(state.last)}`
    }
  },
  leftBehind: (left: readonly Named[]) =>
    `main.py left ${count(left.length, 'process', 'processes')} behind; ended: ${names(left)}`,
  leftover: (left: readonly Named[]) =>
    `ended ${count(left.length, 'process', 'processes')} of the last session (the daemon was killed): ${names(left)}`,
  survivors: (left: readonly Named[]) =>
    `not even SIGKILL ends ${names(left)}: stuck in the kernel (a dead disk or mount?). Nothing is started before it is gone`,
  noRunRecord: (path: string, why: string) => `could not write ${path}: ${why}`,

  // --- the deposit ---

  guarantee(found: Guarantee): string {
    if (found.is === 'exact')
      return 'uploads: exact; a file that anyone still writes is never taken'
    const { because } = found
    const why =
      because.is === 'no leases'
        ? `this file system does not tell who is writing (${because.why})`
        : `the deposit belongs to another user (uid ${because.uid}), about whose files the system tells nothing`
    const way =
      because.is === 'no leases'
        ? 'put the deposit on ext4, or upload under a temporary name and rename'
        : 'run the daemon as that user, or as root'
    return found.is === 'connections'
      ? `uploads: by waiting for the upload connection to end, because ${why}. For exact: ${way}`
      : `uploads: by a timer, which is a guess, because ${why}, and /proc hides the upload connections. For exact: ${way}`
  },
  hold(hold: Hold): string {
    switch (hold.because) {
      case 'marker':
        return `the deposit waits: ${shown(hold.path)} says so. Remove it to go on`
      case 'temporary':
        return `the deposit waits: ${shown(hold.path)} is an upload under a temporary name`
      case 'writer':
        return `the deposit waits: ${shown(hold.path)} is being written${hold.others === 0 ? '' : `, and ${count(hold.others, 'other file')}`}`
      case 'session':
        return `the deposit waits: an upload connection is open (${hold.session.name}, pid ${hold.session.pid})${hold.isKnown ? '' : ', and the system does not tell who is writing'}`
      case 'connection':
        return `the deposit waits: ${count(hold.many, 'new connection')} may bring more`
      case 'broken':
        return `the deposit waits for a correction: ${hold.why}\nUpload it again, or the rest of it; it is refused after a while. main.py runs on`
      case 'unreachable':
        return `the deposit waits for the network: what it needs could not be fetched. It is tried again every now and then, and at once when something changes here`
      case 'manifest':
        return `the deposit waits: ${hold.why}`
      case 'quiet':
        return `the deposit waits for ${seconds(hold.ms)} without a change${hold.isGuess ? '; whether the upload is complete is a guess' : ''}`
    }
  },
  cutOff: (path: string) =>
    `the connection broke while ${shown(path)} was uploaded (sftp-server says so)`,
  closedFolder: (path: string) =>
    `the folder ${shown(path)} in the deposit cannot be read or emptied by this user; it is left alone. Mend it with: chmod -R u+rwX`,
  deepFolder: (path: string) =>
    `the folder ${shown(path.slice(0, 60))}… in the deposit lies too deep (${Buffer.byteLength(path)} bytes of path); what is in it is left alone. Remove it`,
  orphan: (path: string) =>
    `${shown(path)} has a temporary name and nobody writes it any more: an upload that broke off? It stays in the deposit and is never used`,
  depositMadeAgain: (deposit: string) => `${deposit} was gone; made it again`,
  depositNotFolder:
    'it is not a folder but a link or a file. Links are never followed; make it a folder, or mount the other place there',
  depositTrouble: (deposit: string, why: string) => `cannot read ${deposit}: ${why}`,
  watchTrouble: (why: string) =>
    `file events do not work here (${why}); uploads are found by looking every few seconds. ` +
    'ENOSPC means that inotify watches are used up: sudo sysctl fs.inotify.max_user_watches=65536',
  claimed: (release: Release) =>
    `${release.id}: claimed ${count(release.files, 'file')} (${size(release.bytes)}) from the ${release.from}`,
  changedWhileClaimed: (path: string) =>
    `${shown(path)} changed while it was claimed; all stays in the deposit until it is quiet again`,
  claimFailed: (why: string, hint: string | undefined) =>
    `could not claim the deposit: ${why}. It stays there and is tried again${hintText(hint)}`,
  claimDenied:
    'folders in the deposit belong to another user, who lets nobody else write in them. Run the daemon as that user, or as root',
  givenBack: (id: ReleaseId) =>
    `${id}: the daemon ended while it was claimed; its files are back in the deposit`,

  // --- why a release is refused; paths are relative to main ---

  isSymlink: (path: string) =>
    `${shown(path)} is a symbolic link. Links are never followed; upload the file itself`,
  isSpecial: (path: string) =>
    `${shown(path)} is not a file or folder (a pipe, socket or device, or its name is not UTF-8)`,
  fileOverFolder: (path: string) =>
    `${shown(path)} is a file in the deposit but a folder in main. Remove or rename one of them`,
  folderOverFile: (path: string) =>
    `${shown(path)} is a folder in the deposit but a file in main. Remove or rename one of them`,
  folderOverLink: (path: string) =>
    `${shown(path)} is a folder in the deposit but a symbolic link in main. Remove or rename one of them`,
  otherFileSystem: (path: string) =>
    `main/${shown(path)} is a mount of another file system; files there cannot be swapped safely`,
  archiveBroken: (name: string, why: string) => `${name} is cut off or damaged: ${why}`,
  isEnvironment: (path: string) =>
    `${shown(path)}: this is the virtual environment of another machine; it does not work here. Upload the program without it`,
  pathTooLong: (path: string, max: number) =>
    `${shown(path.slice(0, 60))}…: this path is ${Buffer.byteLength(path)} bytes long, more than ${max}`,
  tooManyFiles: (files: number, max: number) => `it has ${files} files, more than ${max}`,
  tooManyBytes: (bytes: number, max: number) => `it has ${size(bytes)}, more than ${size(max)}`,
  badWhiteout: (path: string) =>
    `${shown(path)} is not a whiteout: it must be an empty file called .wh.NAME, beside the NAME to delete`,
  whiteoutOfNothing: (path: string) => `${shown(path)}: there is nothing of that name to delete`,
  noEntry: (entry: string) =>
    `there would be no ${entry}: main has none, and the upload brings none`,
  wrongCase: (found: string, entry: string) =>
    `there would be no ${entry}: the upload has ${shown(found)}. Rename it, with small letters`,
  folderUploaded: (folder: string, entry: string) =>
    `there would be no ${entry}: the upload has ${shown(folder)}/${entry}. Upload what is in the folder ${shown(folder)}, not the folder itself`,
  syntax: (errors: readonly { path: string; line: number | null; message: string }[]) =>
    errors
      .slice(0, 5)
      .map(
        ({ path, line, message }) =>
          `${shown(path)}${line === null ? '' : `, line ${line}`}: ${message}`,
      )
      .concat(errors.length > 5 ? [`and ${errors.length - 5} more files`] : [])
      .join('\n'),
  missingModules: (missing: readonly { module: string; path: string; line: number }[]) =>
    missing
      .map(
        ({ module, path, line }) => `${shown(path)}, line ${line}: no module named ${module} here`,
      )
      .join('\n'),
  junk: (paths: readonly string[]) =>
    `removed from the deposit what is never deployed: ${paths.slice(0, 5).map(shown).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`,
  resultHead:
    'ota-supervisor: what became of the uploads, newest first. This file is written by the machine.',
  ownNameUsed: (path: string) => `${shown(path)}: the name .supervisor belongs to ota-supervisor`,

  // --- packages; paths are relative to main ---

  gupTooLong: (most: number) => `it has more than ${most} lines`,
  gupLineTooLong: 'the line is too long',
  gupForm: 'expected "package,version" or "package,version,source"',
  gupName: (found: string) => `${found} is not the name of a package`,
  gupVersion: (found: string) => `${found} is not a version`,
  gupReference: (found: string) => `${found} is not a tag, a branch or a commit`,
  gupScheme: (found: string, schemes: readonly string[]) =>
    `${found} is not a source: it must begin with ${schemes.map((one) => `${one}://`).join(' or ')}`,
  gupAddress: (found: string) => `${found} is not the address of a git repository`,
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
  noPipHint: 'sudo apt install python3-pip',
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
  stillInstalling: (ms: number, doing: string) =>
    `still installing packages (${seconds(ms)}): ${shown(doing)}`,
  installed: (packages: number, bytes: number, ms: number) =>
    `${count(packages, 'package')} installed in ${seconds(ms)} (${size(bytes)})`,
  installFailed: (lines: string) => `its packages cannot be installed:\n${shownLines(lines)}`,
  installLate: (ms: number) =>
    `its packages were not installed within ${seconds(ms)} ([python] install)`,
  networkHint:
    'the network or the package index is gone; without a network: put the wheels into wheels/ beside the gupfile',
  installFullHint: 'the disk is full; make room and upload it again',
  noCompilerHint:
    'it would have to be compiled here, and there is no compiler: put a wheel of it into wheels/, or: sudo apt install build-essential python3-dev',
  environmentBroken: 'its virtual environment does not start',
  sweptEnvironments:
    'removed a half-made virtual environment: the daemon or the power went while it was made',
  collected: (many: number) =>
    `removed ${count(many, 'virtual environment')} that nothing needs any more`,
  standIn: (why: string) => `main.py is started without its packages, with what is there: ${why}`,
  packagesMissing: (from: string) =>
    `those that ${from} asks for are not installed here. It is tried again by itself, and main.py is restarted when they are`,
  remaking: (from: string) =>
    `the packages of ${from} are not there any more (removed by hand, or another Python came with an upgrade); installing them before main.py is started`,
  notCollected: (why: string) => `a virtual environment could not be removed: ${why}`,
  refusedForNow: (id: ReleaseId, why: string) =>
    `${id}: rejected for now: ${why}\nnothing was changed in main/, and main.py was not stopped; its files are in the deposit again, and it is tried again by itself`,
  noVenv: (path: string) => `[python] venv: ${path} is not a Python 3`,
  noVenvHint: 'make it with: python3 -m venv DIR, or remove the setting',
  mistakes: (mistakes: readonly { path: string; line: number; why: string }[]) =>
    mistakes
      .slice(0, 5)
      .map(({ path, line, why }) => `${shown(path)}${line === 0 ? '' : `, line ${line}`}: ${why}`)
      .concat(mistakes.length > 5 ? [`and ${mistakes.length - 5} more mistakes`] : [])
      .join('\n'),

  // --- the road ---

  applied: (release: Release, downtimeMs: number, trialMs: number) =>
    `${release.id}: applied, main.py was down for ${Math.round(downtimeMs)} ms; on trial for ${seconds(trialMs)}`,
  trialAgain: (release: Release, boots: number, maxBoots: number) =>
    `${release.id}: its trial goes on (start ${boots} of ${maxBoots})`,
  appliedHeld: ({ id }: Release) =>
    `${id}: applied; main.py stays stopped, and its trial begins with: ota-supervisor start`,
  journalDropped: (id: ReleaseId) =>
    `the disk is full: ${id} cannot be rolled back any more, its journal is gone`,
  trialEndedBy: (release: Release, by: Release) =>
    `${release.id}: its trial is ended by ${by.id}; from here they stand or fall together`,
  outcome: ({ release, outcome }: Ended, kept: string) =>
    outcome.result === 'committed'
      ? `${release.id}: committed${outcome.note === undefined ? '' : ` (${outcome.note})`}`
      : `${release.id}: ${resultText(outcome)}: ${outcome.why}\n${untouchedText(outcome)}\nthe files of ${release.id} are kept in ${kept}`,
  undoing: (release: Release, why: string) => `${release.id}: going back: ${why}`,
  retried: (release: Release) =>
    `${release.id}: the power failed or the daemon was killed while it was applied; main is as before, trying again`,
  interrupted: 'the power failed or the daemon was killed',
  tooManyAttempts: (attempts: number) =>
    `the power failed or the daemon was killed while it was applied, ${attempts} times`,
  tooManyBoots: (boots: number) =>
    `the daemon or the machine went down during its trial, ${boots} times`,
  applyFailed: (why: string) => `it could not be applied: ${why}`,
  trialFailed: (exit: Exit, upMs: number) =>
    `main.py ${exitText(exit)} after ${seconds(upMs)}, within its trial${killedText(exit)}`,
  failedWith: (id: ReleaseId, why: string) => `${id}, which came during its trial, failed: ${why}`,
  noteFirst: 'it failed its trial, but there is nothing to go back to; main.py is tried again',
  noteNoProgram: 'there is no main.py yet',
  noteReached: 'main.py reached its end (exit code 0)',
  noteWith: (id: ReleaseId) => `together with ${id}`,
  tooLittleSpace: (free: number, needed: number) =>
    `only ${size(free)} are free on the disk of main, ${size(needed)} are needed`,
  waits: (id: ReleaseId, why: string, hint: string | undefined) =>
    `${id}: cannot be applied yet: ${why}; main.py runs on, and the release is tried again by itself${hintText(hint)}`,
  stuck: (id: ReleaseId, why: string, hint: string | undefined) =>
    `${id}: cannot go on: ${why}; trying again${hintText(hint)}`,
  unreadable: 'its record on the disk cannot be read',

  /** REASON.txt, beside the files of a refused release. */
  reasonFile: ({ release, outcome }: Ended, why: string) =>
    [
      `Release ${release.id}, claimed from the ${release.from} at ${release.at}`,
      `(${count(release.files, 'file')}, ${size(release.bytes)}) was ${resultText(outcome)}:`,
      '',
      `    ${why}`,
      '',
      'Its files are in the folder files/ beside this one. To try again, correct them and put',
      'them into the deposit once more.',
      '',
    ].join('\n'),

  // --- the control socket ---

  noControl: (path: string, why: string) =>
    `no control socket at ${path}: ${why}. Uploads work as ever, but status, stop and the like do not`,
  unknownRequest: (path: string) => `there is no request ${shown(path)}`,
  wrongMethod: (path: string, method: string) => `${path} is asked with ${method}`,
  bodyTooLong: (max: number) => `the body is longer than ${max} bytes`,
  notJson: 'the body is not JSON',
  notRunning: (project: string) => `no daemon runs in ${project}`,
  notRunningHint:
    'start it there: ota-supervisor, or as a service: sudo systemctl start ota-supervisor. Another folder: -C DIR',
  notYours: (project: string) => `the daemon in ${project} belongs to another user`,
  notYoursHint: 'do the same as that user, or with sudo',
  cannotAsk: (why: string) => `cannot ask the daemon: ${why}`,
  strangeAnswer: (status: number) => `the daemon gave an answer that is not understood (${status})`,
  reloaded: (changed: readonly string[]) =>
    changed.length === 0
      ? 'the settings are as before'
      : `new settings in force: ${changed.join(', ')}. Those of the program itself count from its next start`,
  notReloaded: (why: string, hint: string | undefined) =>
    `the old settings stay in force: ${why}${hintText(hint)}`,

  // --- the verbs ---

  noProject: (project: string) => `no ota-supervisor has ever run in ${project}`,
  noProjectHint: 'go to the project folder, or name it: -C DIR',
  fromDisk: (why: string) => `${why}; this is what the disk tells`,
  notANumber: (option: string, given: string) =>
    `${option} wants a number of 1 or more, not ${shown(given)}`,
  noHistory: 'no release has ended yet',
  noRelease: 'r0, what was there before the first release',
  keptDown: 'stopped by the operator, until: ota-supervisor start',
  daemonDown: 'not running',

  // --- the operator ---

  ordered: (what: string) => `operator: ${what}`,
  staysStopped:
    'main.py is stopped, and stays so whatever is uploaded or rebooted, until: ota-supervisor start',
  runsAlready: 'main.py runs already',
  startedNow: 'main.py started',
  startedOnTrial: (id: ReleaseId) => `main.py started; ${id} is on trial`,
  endingNow: 'the daemon is ending',
  byOperator: 'the operator asked for it',
  nothingToUndo: 'there is no release whose journal is kept: nothing to go back to',
  notKept: (id: string) =>
    `${id} cannot be rolled back: it is not in main, or its journal is not kept any more. See: ota-supervisor history`,
  isTheFirst: (id: ReleaseId) =>
    `${id} brought the first main.py: without it there would be no program. To stop it: ota-supervisor stop`,
  isBack: (id: ReleaseId, isUp: boolean) =>
    `main/ is back at ${id}${isUp ? '' : '; main.py stays stopped until: ota-supervisor start'}`,

  // --- errors on the way up ---

  failure: (message: string, hint: string | undefined) =>
    `ota-supervisor: ${message}${hint === undefined ? '' : `\n  ${hint}`}`,
}
