import type { Ended, Exit, Mistake, Release, ReleaseId } from './model.ts'
import {
  count,
  exitText,
  hintText,
  killedText,
  originText,
  resultText,
  seconds,
  shown,
  size,
  untouchedText,
} from './phrases.ts'

/** What is said of a release: why it is refused, how it walks the road and how it ends. */
export const releaseWords = {
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
  notChecked: (why: string) => `its Python files could not be checked: ${why}`,
  notUnpacked: (why: string) => `the archive could not be unpacked: ${why}`,
  noFurther: (ms: number, setting: string) =>
    `it came no further for ${seconds(ms)}; ${setting} in supervisor.toml allows more`,
  isEnvironment: (path: string) =>
    `${shown(path)}: this is the virtual environment of another machine; it does not work here. Upload the program without it`,
  pathTooLong: (path: string, max: number) =>
    `${shown(path.slice(0, 60))}…: this path is ${Buffer.byteLength(path)} bytes long, more than ${max}`,
  tooManyFiles: (files: number, max: number) => `it has ${files} files, more than ${max}`,
  tooManyBytes: (bytes: number, max: number) => `it has ${size(bytes)}, more than ${size(max)}`,
  badWhiteout: (path: string) =>
    `${shown(path)} is not a whiteout: it must be an empty file called .wh.NAME, beside the NAME to delete`,
  whiteoutOfNothing: (path: string) => `${shown(path)}: there is nothing of that name to delete`,
  noEntry: (entry: string, isDeleted: boolean) =>
    `there would be no ${entry}: ${isDeleted ? 'a whiteout deletes it' : 'main has none'}, and the upload brings none`,
  wrongEntry: (mistake: Mistake, entry: string) =>
    `there would be no ${entry}: the upload has ${shown(mistake.path)}. ${wayOutOf(mistake, entry)}`,
  entryBeside: (mistake: Mistake, entry: string) =>
    `${entry} stays as it was: the upload has ${shown(mistake.path)}. If that is the new program: ${wayOutOf(mistake, entry)}`,
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
  unholdable: (path: string) =>
    `${shown(path)}: the file system of main/ cannot hold this name, or not beside another of this upload (it may not tell upper from lower case). Rename it and upload again`,
  ownNameUsed: (path: string) => `${shown(path)}: the name .supervisor belongs to ota-supervisor`,

  reserved: (path: string) =>
    `${shown(path)}: this is ota-supervisor's own in this project, and no release may bring or delete it`,
  isGits: (path: string) =>
    `${shown(path)}: this is git's own where main is a checkout, and no release may bring or delete it`,
  bringsSettings: (path: string) =>
    `${shown(path)}: these are the settings of the daemon, whose commands run as the daemon does. A release may not change them here; do it by hand`,
  wrongSettings: (why: string) => `no daemon would start with these settings: ${why}`,
  newSettings:
    'it brings settings: they are in force after ota-supervisor reload, or the next start',

  // --- the road ---

  applied: (release: Release, downtimeMs: number, trialMs: number) =>
    `${release.id}: applied, main.py was down for ${Math.round(downtimeMs)} ms; on trial for ${seconds(trialMs)}`,
  trialAgain: (release: Release, boots: number, maxBoots: number) =>
    `${release.id}: its trial goes on (start ${boots} of ${maxBoots})`,
  appliedHeld: ({ id }: Release) =>
    `${id}: applied; main.py stays stopped, and its trial begins with: ota-supervisor start`,
  appliedLater: ({ id }: Release) => `${id}: applied; its trial begins when the daemon starts`,
  appliedElsewhere: ({ id }: Release) => `${id}: applied`,
  journalDropped: (id: ReleaseId) =>
    `the disk is full: ${id} cannot be rolled back any more, its journal is gone`,
  trialEndedBy: (release: Release, by: Release) =>
    `${release.id}: its trial is ended by ${by.id}; from here they stand or fall together`,
  outcome: ({ release, outcome }: Ended, kept: string, running: ReleaseId | null) =>
    outcome.result === 'committed'
      ? `${release.id}: committed${outcome.note === undefined ? '' : ` (${outcome.note})`}`
      : `${release.id}: ${resultText(outcome)}: ${outcome.why}\n${untouchedText(outcome)}${running === null ? '' : `; ${running} is running`}\nthe files of ${release.id} are kept in ${kept}`,
  undoing: (release: Release, why: string) => `${release.id}: going back: ${why}`,
  retried: (release: Release) =>
    `${release.id}: the power failed or the daemon was killed while it was applied; main is as before, trying again`,
  interrupted: 'the power failed or the daemon was killed',
  tooManyAttempts: (attempts: number) =>
    `the power failed or the daemon was killed while it was applied, ${attempts} times`,
  tooManyBoots: (boots: number) =>
    `the daemon or the machine went down during its trial, ${boots} times`,
  applyFailed: (why: string) => `it could not be applied: ${why}`,
  trialFailed: (exit: Exit, upMs: number, said: string | null) =>
    `main.py ${exitText(exit)} after ${seconds(upMs)}, within its trial${killedText(exit)}${said === null ? '' : `. It said last: ${shown(said)}`}`,
  failedWith: (id: ReleaseId, why: string) => `${id}, which came during its trial, failed: ${why}`,
  noteFirst: 'it failed its trial, but there is nothing to go back to, so it stays',
  noteNoProgram: 'there is no main.py yet',
  noteReached: 'main.py reached its end (exit code 0)',
  noteWith: (id: ReleaseId) => `together with ${id}`,
  tooLittleSpace: (free: number, needed: number) =>
    `only ${size(free)} are free on the disk of main, ${size(needed)} are needed`,
  waits: (id: ReleaseId, why: string, hint: string | undefined) =>
    `${id}: cannot be applied yet: ${why}; nothing has changed, and the release is tried again by itself${hintText(hint)}`,
  stuck: (id: ReleaseId, why: string, hint: string | undefined) =>
    `${id}: cannot go on: ${why}; trying again${hintText(hint)}`,
  unreadable: 'its record on the disk cannot be read',

  /** REASON.txt, beside the files of a refused release. */
  reasonFile: ({ release, outcome }: Ended, why: string) =>
    [
      `Release ${release.id}, claimed from ${originText(release)} at ${release.at}`,
      `(${count(release.files, 'file')}, ${size(release.bytes)}) was ${resultText(outcome)}:`,
      '',
      `    ${why}`,
      '',
      'Its files are in the folder files/ beside this one. To try again, correct them and',
      release.from === 'git' ? 'commit that.' : 'put them into the deposit once more.',
      '',
    ].join('\n'),
}

/** What to do about a program in the wrong place. */
function wayOutOf(mistake: Mistake, entry: string): string {
  if (mistake.is === 'case') return `Rename it to ${entry}`
  const folder = shown(mistake.folder)
  return `Upload what is in the folder ${folder}, not the folder itself`
}
