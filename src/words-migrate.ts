import { count, shellLine, shown, size } from './phrases.ts'

/** What `migrate` says: of what it found, in the comments of the proposed `supervisor.toml`, and what is to be done. */
export const migrateWords = {
  // --- what was found ---

  noDirectory: (path: string) => `there is no directory ${shown(path)}`,
  noConnectors: (directory: string, noCheckouts: readonly string[]) =>
    `no connectors in ${shown(directory)}: a folder there with a gupfile and a .git is one${
      noCheckouts.length > 0 ? `; without .git: ${listed(noCheckouts)}` : ''
    }`,
  noConnectorsHint: (elsewhere: string | null) =>
    elsewhere === null
      ? 'name the folder that holds the connectors and client-connector-updater: -C DIR'
      : `a crontab runs the old tool beside others: ota-supervisor migrate -C ${shown(elsewhere)}`,
  hasBlank:
    'its folder has a blank in its name: the old tool could not update it; under [projects] it has a name without',
  noCheckout:
    'it has a gupfile but no .git, so it is left out: make it a checkout, or remove its gupfile',
  noRemote: (remote: string) => `it has no remote ${shown(remote)}, so there is nothing to fetch`,
  noRemoteHint: (folder: string, remote: string) =>
    `git -C ${shown(folder)} remote add ${shown(remote)} ADDRESS`,
  badWay: (address: string) => `its remote cannot be used: ${shown(address)}`,
  noUpstream: (branch: string, remote: string) =>
    `its branch has no upstream: the old tool never updated it; ${shown(branch)} of ${shown(remote)} is followed`,
  wasLax: (host: string) =>
    `any server was trusted (StrictHostKeyChecking of core.sshCommand). Now ${shown(host)} must be known`,
  wasLaxHint: (host: string) =>
    `ssh-keyscan ${shown(host)} >> ~/.ssh/known_hosts (compare its key)`,
  fetchedWaits: (why: string) => `the commit that was fetched last would not come: ${why}`,
  edited: (paths: readonly string[]) =>
    `changed by hand: ${listed(paths)}. A commit that changes the same is refused (the old tool failed at it each night)`,
  editedHint: (folder: string) =>
    `take it back: git -C ${shown(folder)} checkout -- FILE; or local_changes = "save" under [git]`,
  unknown: (paths: readonly string[]) =>
    `git neither keeps nor ignores: ${listed(paths)}. A commit that brings a file of such a name is refused`,
  unknownHint: 'if the program makes it, list it in .gitignore',
  isModule: (path: string) =>
    `${shown(path)} is a submodule: commits that change it are refused, and it is not fetched`,
  hasLfs: 'it keeps files in Git LFS: commits that change them are refused',
  ownSettings:
    'it holds a supervisor.toml, which is not read: a connector is set up in the one above',
  gupfile: (line: number, why: string) =>
    line === 0 ? `gupfile: ${why}` : `gupfile, line ${line}: ${why}`,
  noEnvironment:
    'it has no virtual environment of its name in .pyenv: its packages are installed anew',
  brokenEnvironment: (path: string) => `the Python of ${shown(path)} is gone, as after an upgrade`,
  otherPython: (path: string, its: string, here: string) =>
    `${shown(path)} is of Python ${its}, and here is Python ${here}`,

  // --- the comments of supervisor.toml ---

  head: (directory: string) =>
    `Made by ota-supervisor migrate, from the layout of client-connector-updater in ${shown(directory)}. All settings: docs/settings.md; moving: docs/migrate.md.`,
  discoverWhy:
    'Every folder here that is a checkout of git and has a gupfile is a connector, as it was. It runs from its checkout, and is fed from its remote origin.',
  projectsWhy:
    'The connectors, each with its folder. Others, with a gupfile of their own, are found by themselves with: [discover] gupfiles = true',
  mainWhy: "A connector's folder is itself the checkout that its program runs from.",
  remoteWhy: 'Where new commits come from.',
  scheduleWhy: ({ text, from }: Line) => `As it was in ${whose(from)}:\n  ${text.trim()}`,
  scheduleMissing: (texts: readonly string[]) =>
    texts.length > 0
      ? `The line that runs the old tool has no time that can be used here:\n  ${texts[0]?.trim()}\nThis is what its README tells: each night at two.`
      : 'No line of a crontab that this user may read runs the old tool. This is what its README tells: each night at two. Without it: every 5 minutes.',
  delayWhy: 'Each run begins 10 seconds to 2 minutes later, as before. That is the default:',
  nowWhy: 'The old tool was called with "now": without delay.',
  userWhy: (user: string) =>
    `The daemon is root, since only root may restart services of the system. Programs, packages and checks are still those of ${shown(user)}; git works as the owner of each folder.`,
  otherRemoteWhy: 'The remote of its branch.',
  keyWhy: 'From core.sshCommand of the checkout.',
  unknownWhy:
    'What starts the connectors was not found: no service of systemd, no @reboot line of a crontab, nothing in /etc/rc.local. So a commit is put in place, and whoever starts them next runs it; the packages of its gupfile are those of NAME/.supervisor/environment/bin/python.',
  unknownHere:
    'What starts it was not found, so a commit is put in place, and whoever starts it next runs it.',
  rebootWhy: 'What the old tool did: the machine reboots after an update.',
  restartWhy:
    'Best: the daemon runs the programs itself, watches them, and goes back when a new version fails. What starts them now must be removed then.',
  guessWhy:
    'This is probably its program. To have the daemon run it, take this line and leave after_update out:',
  unitWhy: ({ name, path, isEnabled }: { name: string; path: string; isEnabled: boolean }) =>
    `${shown(name)} runs it (${shown(path)}${isEnabled ? '' : '; it is not enabled'}).`,
  unitUsesOld:
    'It uses the old environment, which is not kept up any more: have it use the new one, as migrate tells.',
  unitOr: (disable: string) =>
    `Better: the daemon runs it, watches it, and goes back when a new version fails. Take these lines instead of after_update, and: ${disable}`,
  lineWhy: ({ text, from }: Line) => `Was started by ${whose(from)}:\n  ${text.trim()}`,
  rcWhy: (text: string) => `Was started, as root, by /etc/rc.local:\n  ${text}`,
  onlyShell:
    'Only a shell can tell what that runs. A commit is put in place, and whoever starts it next runs it.',
  nowHere: 'Now the daemon runs it, in its folder.',
  venvWhy:
    'The old environment, used as it is: nothing is ever installed into it, also when the gupfile changes.',

  // --- what is to be done ---

  troubles: 'To be put right:',
  steps: 'What to do, in this order:',
  isWritten: (path: string) => `${path} is written.`,
  isThere: (path: string) => `${path} is there already, and is never overwritten`,
  isThereHint: (directory: string) =>
    `move it away, or take over what it lacks: ${migrateWords.compare(directory)}`,
  compare: (directory: string): string =>
    `${shellLine('ota-supervisor', 'migrate', '-C', directory)} | ${shellLine('diff', `${directory}/supervisor.toml`, '-')}`,
  writeStep: 'Read the proposal, and have it written. Change what does not fit.',
  thereStep: 'There is a supervisor.toml already. Take over from the proposal what it lacks.',
  cronStep: 'Take the old tool out of the crontab.',
  noCronStep: 'No line was found that runs the old tool. Is it in the crontab of root?',
  startStep: (name: string) =>
    `Remove the line that starts ${shown(name)}, and end the program, which still runs: the daemon starts it from now on.`,
  serviceStep: (needs: { connectors: number; packages: number; freeBytes: number }) =>
    needs.packages === 0
      ? 'Have the daemon run, now and after each boot.'
      : `Have the daemon run, now and after each boot. At its first start it installs ${count(needs.packages, 'package')} for ${count(needs.connectors, 'connector')}: that takes minutes on a Pi, and 10 to 50 MB for each connector; ${size(needs.freeBytes)} are free.`,
  unitStep: (name: string, python: string) =>
    `In ExecStart of ${shown(name)}, name the Python that has the packages of the gupfile, from now on: ${shown(python)}`,
  lookStep: 'Look how it goes: next run, last result.',
  toolStep: 'After some good nights: remove the old tool.',
  environmentsStep: 'And the environments that are no longer needed.',
  sudoStep:
    'The old tool could reboot by sudo without a password. If that was allowed only for it, take it back with visudo.',
}

type Line = {
  readonly text: string
  readonly from:
    | { readonly is: 'user'; readonly user: string | null }
    | { readonly is: 'file'; readonly path: string }
}

/** Whose crontab a line stands in. */
function whose(from: Line['from']): string {
  if (from.is === 'file') return from.path
  return from.user === null ? 'your crontab' : `the crontab of ${from.user}`
}

function listed(paths: readonly string[]): string {
  return `${paths.slice(0, 5).map(shown).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`
}
