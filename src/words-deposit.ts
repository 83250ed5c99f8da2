import type { Guarantee, Hold, Release, ReleaseId } from './model.ts'
import { count, hintText, seconds, shown, size } from './phrases.ts'

/** What is said of the deposit, and of what lies in it. */
export const depositWords = {
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
        return `the deposit waits for a correction: ${hold.why}\nUpload it again, or the rest of it; it is refused after a while. Until then nothing is changed in main/`
      case 'unreachable':
        return `the deposit waits for the network: what it needs could not be fetched. It is tried again every now and then, and at once when something changes here`
      case 'manifest':
        return `the deposit waits: ${hold.why}`
      case 'unclaimed':
        return `could not claim the deposit: ${hold.why}. It stays there and is tried again${hintText(hold.hint)}`
      case 'unreadable':
        return hold.why
      case 'quiet':
        return `the deposit waits for ${seconds(hold.ms)} without a change${hold.isGuess ? '; whether the upload is complete is a guess' : ' in it or in the upload connections'}`
    }
  },
  cutOff: (path: string) =>
    `the connection broke while ${shown(path)} was uploaded (sftp-server says so)`,
  closedFolder: (path: string) =>
    `the folder ${shown(path)} in the deposit cannot be read or emptied by this user; it is left alone. Mend it with: chmod -R u+rwX`,
  deepFolder: (path: string) =>
    `the folder ${shown(path.slice(0, 60))}… in the deposit lies too deep (${Buffer.byteLength(path)} bytes of path); what is in it is left alone. Remove it`,
  orphan: (path: string) =>
    `${shown(path)} has a temporary name and nobody writes it any more: an upload that broke off? It stays in the deposit and is never used. Rename it to have it used, or remove it`,
  depositMadeAgain: (deposit: string) => `${deposit} was gone; made it again`,
  noDeposit: 'there is no deposit any more that it could go back to',
  depositNotFolder:
    'it is not a folder but a link or a file. Links are never followed; make it a folder, or mount the other place there',
  projectGone: (project: string) => `the project folder ${project} is gone`,
  depositTrouble: (deposit: string, why: string) => `cannot read ${deposit}: ${why}`,
  watchTrouble: (code: string) =>
    `file events do not work here (${code}); uploads are found by looking every few seconds${watchHint(code)}`,
  claimed: (release: Release) =>
    `${release.id}: claimed ${count(release.files, 'file')} (${size(release.bytes)}) from the deposit`,
  changedWhileClaimed: (path: string) =>
    `${shown(path)} changed while it was claimed; all stays in the deposit until it is quiet again`,
  claimDenied:
    'folders in the deposit belong to another user, who lets nobody else write in them. Run the daemon as that user, or as root',
  givenBack: (id: ReleaseId) =>
    `${id}: the daemon ended while it was claimed; its files are back in the deposit`,
}

function watchHint(code: string): string {
  switch (code) {
    case 'ENOSPC':
      return '. The inotify watches are used up: sudo sysctl fs.inotify.max_user_watches=65536'
    case 'EMFILE':
      return '. The inotify instances are used up: sudo sysctl fs.inotify.max_user_instances=1024'
    default:
      return ''
  }
}
