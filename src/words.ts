import type { Exit, Health, ProgramReading, ProgramState, ReleaseId } from './model.ts'
import {
  causeText,
  count,
  exitText,
  hintText,
  killedText,
  type Named,
  names,
  seconds,
  shellLine,
  shown,
  size,
} from './phrases.ts'

/** What the daemon says to a person. Pure: data in, text out; so are the other files of words. */
export const words = {
  // --- the daemon ---

  hello: (about: { version: string; project: string; python: string; node: string }) =>
    `ota-supervisor ${about.version} in ${about.project}\nPython ${about.python}, Node ${about.node}`,
  madeFolder: (name: string) => `made the folder ${name}/`,
  waiting: (deposit: string) => `waiting for uploads in ${deposit}`,
  updateOver: 'the update is over',
  stopping: (signal: string) => `${signal}: stopping what runs, then the daemon`,
  hastened: 'second signal: ending main.py at once',
  noFolders: (project: string, why: string) => `cannot make the folders of ${project}: ${why}`,
  noFoldersHint: 'start it as the user who owns this directory, or give it to that user with chown',
  alreadyRunning: (project: string, pid: string) =>
    `another ota-supervisor already runs in ${project}${pid === '' ? '' : ` (pid ${pid})`}`,
  alreadyRunningHint: (pid: string) =>
    pid === '' ? 'stop it first' : `look at it with: ps -fp ${pid}   and stop it with: kill ${pid}`,
  bug: (stack: string) =>
    `a fault in ota-supervisor itself; it looks at the disk and goes on. Please report this:\n${stack}`,
  noSetpriv:
    'setpriv is missing: if the daemon is killed, main.py lives on until the next start. sudo apt install util-linux',

  // --- systemd ---

  /** The line that `systemctl status` shows. */
  statusLine(state: ProgramState): string {
    if (state.is === 'RUNNING') return `main.py runs (pid ${state.pid}): ${causeText(state.cause)}`
    if (state.is === 'ELSEWHERE') return 'main.py is not run by this daemon'
    if (state.is !== 'STOPPED') return shown(words.state(state) ?? 'main.py is being started')
    if (state.why === 'no main.py') return words.noProgram
    if (state.why === 'not started yet') return 'getting ready'
    if (state.why === 'only an update') return words.onlyUpdate
    const isKept = state.why.by === 'operator' && state.why.does === 'stop'
    return isKept ? `main.py is ${words.keptDown}` : 'main.py is stopped'
  },
  systemdNotTold: (why: string) =>
    `systemd could not be told how it goes, and may restart the daemon for it: ${why}. The command systemd-notify is needed: sudo apt install systemd`,

  noProgram: 'there is no main.py yet; waiting for the first upload',

  // --- the log ---

  sessionBegan: (mark: string, runs: string, path: string | null) =>
    `${mark}: ${runs}${path === null ? '' : `\nlog: ${path}`}`,
  sessionCut: (before: number) =>
    `the log of session ${before} has no end: a power cut, kill -9 or a full disk`,
  sessionEnded: (mark: string, how: string, ms: number) => `${mark} after ${seconds(ms)}: ${how}`,
  endedBy: (signal: string) => `stopped by ${signal}`,
  endedByFault: 'stopped by a fault in ota-supervisor itself',
  logGoesOn: (mark: string, after: string, runs: string) =>
    `${mark}, goes on from ${after}: ${runs}`,
  /** What is in main before anything has been started. */
  mainHolds: (release: ReleaseId) => `the last release that passed: ${release}`,
  /** What runs just now, for the beginning of a log file. */
  runs({ state, release }: Pick<ProgramReading, 'state' | 'release'>): string {
    if (state.is === 'ELSEWHERE') return words.runElsewhere
    return state.is === 'STARTING' || state.is === 'RUNNING'
      ? `main.py runs (pid ${state.pid}), release ${release}: ${causeText(state.cause)}`
      : (words.state(state) ?? 'main.py does not run')
  },
  noLogFile: (dir: string, why: string) =>
    `no log file in ${dir}: ${why}. Everything is on the console only, until there can be one`,
  noNextLogFile: (path: string, why: string) =>
    `no further log file can be begun: ${why}. ${path} goes on`,
  logFileGone: (path: string) =>
    `the log file ${path} is gone: deleted, moved or replaced. This is a new one`,
  logsDeleted: (files: readonly { readonly name: string; readonly bytes: number }[]) =>
    `deleted ${count(files.length, 'old log file')} (${size(files.reduce((sum, { bytes }) => sum + bytes, 0))}) to keep space free: ${files[0]?.name}${files.length > 1 ? ` to ${files.at(-1)?.name}` : ''}`,
  logsNotDeleted: (dir: string, why: string) => `cannot delete old log files in ${dir}: ${why}`,
  linesLost: (lines: number) =>
    `${count(lines, 'line')} could not be logged here (disk full, or nobody read them)`,

  // --- the program ---

  noMain: (main: string, deposit: string | null) =>
    `No main.py inside the main directory (${main})\n${deposit === null ? 'It starts by itself when a commit brings it' : `Put your program into ${deposit}: main.py and what it needs. It starts by itself`}`,
  state(state: ProgramState): string | null {
    switch (state.is) {
      case 'STARTING':
        return state.pid === 0
          ? null
          : `main.py started (pid ${state.pid}): ${causeText(state.cause)}`
      case 'RUNNING':
      case 'ELSEWHERE':
        return null
      case 'STOPPING':
        return `main.py is being stopped (pid ${state.pid}): ${causeText(state.cause)}`
      case 'STOPPED':
        return typeof state.why === 'string' ? null : 'main.py stopped'
      case 'EXITED':
        return state.last.is === 'code' && state.last.code === 0
          ? 'main.py reached its end (exit code 0); waiting for the next deposit'
          : `main.py ${exitText(state.last)}; the settings say not to start it again; waiting for the next deposit${killedText(state.last)}`
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
  badPython: (file: string, why: string) => `program.python: ${file}: ${why}`,
  badPythonHint: 'correct program.python in supervisor.toml: Python 3 is needed',
  noWorkingFolder: (path: string) => `there is no folder ${path} to run it in (program.cwd)`,
  noAccount: (kind: 'user' | 'group', name: string) =>
    `there is no ${kind} ${name} on this machine (program.${kind})`,
  noAccountHint: (kind: 'user' | 'group') =>
    `correct program.${kind} in supervisor.toml, or make it: see man ${kind}add`,
  notRoot: (uid: number) =>
    `only root can run the program as another user or group, and this daemon is uid ${uid} (program.user, program.group)`,
  notRootHint: 'run the daemon as root, or remove program.user and program.group',
  noSetprivForUser: 'setpriv is missing, which runs the program as another user',
  noRunRecord: (path: string, why: string) => `could not write ${path}: ${why}`,
  keptDown: 'stopped by the operator, until: ota-supervisor start',

  // --- a program that something else runs ---

  afterUpdate: (release: ReleaseId, argv: readonly string[]) =>
    `${release}: after the update: ${shown(shellLine(...argv))}`,
  afterUpdateFlood: (bytes: number) =>
    `after_update has printed more than ${size(bytes)}; the rest of it is not logged`,
  afterUpdateLate: (argv: readonly string[], ms: number) =>
    `${shellLine(...argv)} was ended: it took longer than ${seconds(ms)}`,
  afterUpdateFailed: (argv: readonly string[], how: string, said: string) =>
    `${shellLine(...argv)} ${how}${said === '' ? '' : `. It said last: ${said}`}`,
  notWell: (how: string) => `the program ${how}`,
  runElsewhere:
    'the daemon runs no program in this project: after_update in supervisor.toml says so',
  runElsewhereHint: 'start or stop it where it is run, as with systemctl',
  onlyUpdate: 'this is only an update: the daemon does not run here',
  rebootOrdered: (id: ReleaseId, minutes: number) =>
    `${id}: the machine is rebooted in ${count(minutes, 'minute')}. To cancel it: sudo shutdown -c`,
  rebootMessage: (project: string, id: ReleaseId) =>
    `ota-supervisor: reboot for ${id} in ${project}. To cancel it: shutdown -c`,
  rebootFailed: (id: ReleaseId, how: string, said: string) =>
    `${id}: the machine could not be rebooted, and must be, by hand: shutdown ${how}${said === '' ? '' : `: ${said}`}\nthe daemon must be root for it, or its user be allowed to (polkit)`,
  rebootLeftOut: (id: ReleaseId) =>
    `${id}: no reboot, as it was asked for with --now; what runs may still be the old version`,
  oldNotTold: (id: ReleaseId, why: string) =>
    `main holds ${id} again, but what runs may be another version: ${why}`,

  // --- health checks and hooks ---

  health(health: Health, before: Health['is']): string | null {
    if (health.is === before) return null
    if (health.is === 'failing') return `main.py failed a health check: ${health.why}`
    if (health.is !== 'healthy') return null
    return before === 'failing' ? 'main.py is healthy again' : 'main.py is healthy'
  },
  healthStatus: (status: number) => `HTTP ${status}`,
  healthLate: (ms: number) => `no answer within ${seconds(ms)}`,
  healthCommand: (exit: Exit, lastWords: string) =>
    `its command ${exitText(exit)}${lastWords === '' ? '' : `: ${shown(lastWords)}`}`,
  hookLate: (event: string, ms: number) =>
    `the hook for "${event}" was ended: it took longer than ${seconds(ms)}`,
  hookEnded: (event: string) => `the hook for "${event}" was ended: the daemon is stopping`,
  hookFailed: (event: string, exit: Exit) => `the hook for "${event}" ${exitText(exit)}`,
  hookFlood: (event: string, bytes: number) =>
    `the hook for "${event}" has printed more than ${size(bytes)}; the rest of it is not logged`,
  hookDropped: (event: string, why: 'too many wait' | 'the daemon is stopping') =>
    `the hook for "${event}" was not run: ${why}`,

  // --- supervisor.toml ---

  expected: (what: string) => `expected ${what}`,
  unexpected: (expected: string, found: string) => `${expected}, found ${found}`,
  unknownKey: (nearest: string | null) =>
    `there is no such setting${nearest === null ? '' : `; did you mean ${nearest}?`}`,
  oneOfBoth: (other: string) => `${other} is set too; only one of them can be`,
  depositMisplaced: {
    mixed: 'deposit must lie beside main: neither in it nor around it',
    taken: 'deposit must not lie in .supervisor, logs or .git',
  },
  needs: (other: string) => `it needs ${other} as well`,
  longerThan: (other: string) => `it is longer than ${other}`,
  noToml: (why: string) => `this is not TOML: ${why}`,
  brokenConfigHint: 'correct the file, or remove it: every setting has a default',

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
  closedHint: 'do it as the user to whom this belongs, or with sudo',
  notYoursHint: 'do the same as that user, or with sudo',
  noAnswer: (time: string) => `the daemon has not answered for ${time}`,
  noAnswerHint: 'it hangs, or the machine is very busy; look at it: ota-supervisor doctor',
  cannotAsk: (why: string) => `cannot ask the daemon: ${why}`,
  strangeAnswer: (status: number) => `the daemon gave an answer that is not understood (${status})`,
  reloaded: (changed: readonly string[], atStart: readonly string[]) =>
    changed.length === 0
      ? 'the settings are as before'
      : [
          `new settings in force: ${changed.join(', ')}`,
          ...(changed.some((name) => name.startsWith('program.') && !atStart.includes(name))
            ? ['those of the program itself count from its next start']
            : []),
          ...(atStart.length === 0
            ? []
            : [`but ${atStart.join(', ')} from the next start of the daemon`]),
        ].join('; '),
  notReloaded: (why: string, hint: string | undefined) =>
    `the old settings stay in force: ${why}${hintText(hint)}`,

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

  warning: (text: string) => `ota-supervisor: warning: ${text}`,
  failure: (message: string, hint: string | undefined) =>
    `ota-supervisor: ${message}${hint === undefined ? '' : `\n  ${hint}`}`,
}

/** The way out where the system has no more watches to give: inotify(7). */
