import type { Outcome, Release, ReleaseId } from './model.ts'
import { count, resultText, seconds, shown, size } from './phrases.ts'

/** What the verbs of the command line say. */
export const verbWords = {
  // --- logs ---

  noLogsFolder: (logs: string) => `there is no folder ${logs}`,
  noLogs: (logs: string) => `there is no log file in ${logs}`,
  noLogsHint:
    'the daemon makes it when it starts; is this the project directory? Another one: logs -C DIR',
  noCount: (text: string) => `--lines ${shown(text)}: expected a number, such as 100`,
  noMoment: (text: string) =>
    `--since ${shown(text)}: expected a duration such as "10min", "2h" or "1d", or a time such as "01:00" or "2026-11-22 01:00"`,

  // --- verbs that ask the daemon ---

  brokenSettings: 'this verb goes on without them; a running daemon has its old settings in force',
  noProject: (project: string) => `no ota-supervisor has ever run in ${project}`,
  noProjectHint: 'go to the project folder, or name it: -C DIR',
  fromDisk: (why: string) => `${why}; this is what the disk tells`,
  notANumber: (option: string, given: string) =>
    `${option} wants a number of 1 or more, not ${shown(given)}`,
  notARelease: (given: string) =>
    `${shown(given)} is not the ID of a release, such as r12: see ota-supervisor history`,
  noHistory: 'no release has ended yet',
  noRelease: 'r0, what was there before the first release',
  restarts: (many: number) => `${count(many, 'restart')} by itself`,
  daemonDown: 'not running',

  // --- deploy ---

  noDeposit: (project: string) => `${project} has no deposit: nothing can be uploaded there`,
  noDepositHint:
    'a commit to its repository is what changes it (ota-supervisor update). For a deposit: deposit = "PATH" under [folders] in supervisor.toml, then a restart of the daemon',

  notThere: (path: string) => `there is no ${shown(path)}`,
  isTheProject: (path: string) =>
    `${shown(path)} is the project itself, or what holds it. Name what is to go into main/`,
  notDeployable: (path: string) =>
    `${shown(path)} is not a file or folder (links are never followed)`,
  twice: (path: string) => `two files would become ${shown(path)}`,
  nothingToDeploy: 'there is no file in what you named',
  leftOut: (paths: readonly string[]) =>
    `left out, by their names: ${paths.slice(0, 5).map(shown).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`,
  manifestThere: (name: string) =>
    `another upload with a ${name} is under way, or was left behind, in the deposit`,
  manifestThereHint: (path: string) => `wait for it to end, or remove it: rm ${path}`,
  putting: (done: number, all: number, bytes: number) =>
    `${done} of ${count(all, 'file')}, ${size(bytes)}`,
  putAll: (files: number, bytes: number) =>
    `${count(files, 'file')} (${size(bytes)}) put into the deposit`,
  appliedAtStart: 'they are applied when the daemon starts',
  isUnderWay: (id: ReleaseId, stage: string) => `${id}: ${stage}`,
  deployHeld: (id: ReleaseId) =>
    `${id}: applied; the operator has stopped main.py, so its trial begins with: ota-supervisor start`,
  appliedLater: (id: ReleaseId) =>
    `${id}: applied; main.py is not started without the daemon, and its trial begins with it`,
  cutOff: (id: ReleaseId) =>
    `${id}: it is in main/, but after_update was cut off; the next update, or the daemon, runs it again`,
  delayed: (ms: number) =>
    `no daemon runs here; looking at the remote in ${seconds(ms)} (random_delay). At once: update --now`,
  deployed: (release: Release & Outcome & { readonly downtimeMs: number }) =>
    `${release.id}: ${resultText(release)}${release.downtimeMs > 0 ? `, main.py was down for ${Math.round(release.downtimeMs)} ms` : ''}`,
  notDeployed: 'interrupted: nothing is deployed, what was put is taken away again',
  liesThere: 'the daemon looks at it',
  deployLost:
    'the files were taken back from the deposit, or came apart: see ota-supervisor history',

  // --- check ---

  writersUnseen: 'whether anybody still writes files that belong to another user',
  wouldClaim: (files: number, bytes: number) =>
    `${count(files, 'file')} (${size(bytes)}) would be claimed:`,
  asItLies: (files: number, bytes: number) =>
    `as it lies there now: ${count(files, 'file')} (${size(bytes)})`,
  nothingLies: 'nothing would be claimed',
  wouldRefuse: (why: string) => `would be rejected: ${why}`,
  wouldUnpack: 'an archive: it is looked into when it has been claimed',
  wouldApply: (counts: { added: number; replaced: number; deleted: number }) =>
    `would be applied: ${counts.added} new, ${counts.replaced} replaced, ${counts.deleted} deleted`,
  wouldDependOn: 'whether it would be applied depends on what this user cannot see',
  wouldRemove: (paths: readonly string[]) =>
    `would be removed, and never deployed: ${paths.slice(0, 5).map(shown).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`,
  cannotSee: (what: string) => `this user cannot see: ${what}`,
  andMore: (more: number) => `and ${more} more`,
  allDefaults: 'all are the defaults',
  noDirectory: (path: string) => `there is no directory ${path}`,
}
