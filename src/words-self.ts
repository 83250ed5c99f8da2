import {
  hintText,
  seconds,
  shellLine,
  shown,
  shownLines,
  size,
  withoutPassword,
} from './phrases.ts'

/** Every sentence said about versions of ota-supervisor itself. Pure: data in, text out. */
export const selfWords = {
  says: (text: string) => `self-update: ${text}`,
  trouble: ({ why, hint }: { readonly why: string; readonly hint?: string }) =>
    `${why}${hintText(hint)}`,

  // --- looking ---

  noSource: 'it is not set where new versions come from',
  noSourceHint:
    'from = "git+https://…" under [self_update] in supervisor.toml; see docs/self-update.md',
  current: (version: string) => `${version} is the newest version`,
  found: (version: string, of: string) =>
    `version ${version} is there (${shown(withoutPassword(of))}); to install it: ota-supervisor self-update`,
  isLower: (version: string, of: string) =>
    `the newest version there is ${version} (${shown(withoutPassword(of))}), lower than this one`,
  hasFailed: (version: string, why: string) =>
    `version ${version} was tried and did not pass: ${shown(why)}; it waits for another one`,
  forceHint: 'to install it all the same: ota-supervisor self-update --force',
  needsNode: (version: string, node: string) =>
    `version ${version} needs Node ${shown(node)}; this is ${process.versions.node}`,
  needsNodeHint: 'update Node first',
  notUs: (what: string) => `${shown(what)} is not an ota-supervisor that could be run`,
  noPackage: (list: string) => `${shown(list)} names no ota-supervisor-VERSION.tgz`,
  unsigned: (what: string, said: string) =>
    `${shown(what)} is not signed by anybody in allowed_signers: ${shownLines(said)}`,
  notRead: (place: string, why: string) => `${shown(place)} cannot be read: ${shown(why)}`,
  late: (place: string, ms: number) => `${shown(place)}: nothing came for ${seconds(ms)}`,
  badStatus: (place: string, status: number) => `${shown(place)} is answered with ${status}`,
  badRedirect: (place: string, target: string) =>
    `${shown(place)} leads on to ${shown(target)}: that is not https, or one too many`,
  tooLongFile: (place: string, bytes: number) => `${shown(place)} has more than ${size(bytes)}`,

  // --- making it ready ---

  preparing: (version: string, of: string) =>
    `version ${version} is fetched and tried out (${shown(withoutPassword(of))})`,
  tooLarge: (bytes: number) => `it has more than ${size(bytes)}`,
  wrongSum: (what: string) => `${shown(what)} does not have the sum that SHA256SUMS gives`,
  notUnpacked: (what: string, why: string) => `${shown(what)} cannot be unpacked: ${shown(why)}`,
  notBuilt: 'it has neither dist/ nor a package-lock.json to build it by',
  noNpm: 'it has to be built, and there is no npm here',
  noNpmHint: 'sudo apt install npm; or use packages, or a branch that has dist/',
  buildFailed: (step: string, why: string) => `${step}: ${shownLines(why)}`,
  otherVersion: (version: string, found: string) => `it says that it is ${found}, not ${version}`,
  checkFailed: (version: string, asked: string, why: string) =>
    `version ${version} cannot work here (${asked}): ${shownLines(why)}`,
  oddAnswer: (said: string) => `it answered: ${shown(said.trim().slice(0, 200))}`,
  endedWith: (code: number, said: string) => `exit code ${code}\n${said}`.trim(),
  killed: (signal: string, said: string) => `ended by ${signal}\n${said}`.trim(),
  tookTooLong: (ms: number) => `not done within ${seconds(ms)}`,

  diskFull: (dir: string) => `the disk of ${shown(dir)} is full`,
  diskFullHint: 'make room, then: ota-supervisor self-update',

  // --- the exchange ---

  atWork: (pid: string) =>
    `somebody is at work on the versions already${pid === '' ? '' : ` (pid ${pid})`}`,
  isOpen: (path: string) => `others than root and this user may write in ${shown(path)}`,
  isOpenHint: (path: string) => shellLine('sudo', 'chmod', 'go-w', path),
  notOwner: (dir: string) => `${shown(dir)} belongs to another user, who has to do this`,
  notOwnerHint: (dir: string) =>
    `sudo -u "$(stat -c %U ${shellLine(dir)})" ota-supervisor self-update …`,
  isOnTrial: (version: string) => `version ${version} is on trial; wait for its end`,
  notManaged: 'this ota-supervisor cannot exchange itself: it was not installed for that',
  autoNotManaged:
    'mode = "auto" works like "notify" here: this ota-supervisor was not installed to be exchanged',
  notManagedHint: (project: string) =>
    `install it as a service once more: sudo ota-supervisor service install -C ${shellLine(project)}`,
  neverIdle: (ms: number) =>
    `releases or trials went on for ${seconds(ms)}; it is tried again later`,
  busy: 'a release is under way or on trial, or a first start is not done yet',
  busyHint: 'wait for its end, then try again: ota-supervisor status',
  hasStarted: 'the daemon was started meanwhile',
  hasStartedHint: 'have it do it: ota-supervisor self-update',
  exchanged: (version: string, stayMs: number) =>
    `version ${version} is ready: the daemon ends, and is started again with it. On trial for ${seconds(stayMs)}`,
  exchangedAlone: (version: string) =>
    `version ${version} is ready: the next start of the daemon is one of it, on trial`,
  endsFor: (version: string) => `stopped for version ${version}`,

  // --- the trial ---

  onTrial: (version: string, previous: string, ms: number) =>
    `version ${version} is on trial for ${seconds(ms)}; the one before it was ${previous}`,
  kept: (version: string) => `version ${version} is kept`,
  notBack: (projects: readonly string[]) =>
    `not all programs came back with it (${projects.map(shown).join(', ')})`,
  goesBack: (version: string, previous: string, why: string) =>
    `version ${version}: ${why}. Back to ${previous}`,
  notStarted: 'its starts could not be counted',
  lastFailed: ({
    version,
    at,
    why,
  }: {
    readonly version: string
    readonly at: string
    readonly why: string
  }) => `version ${version} was tried at ${at} and did not pass: ${shown(why)}`,

  // --- the installation ---

  notOurs: (dir: string) => `${shown(dir)} is there, and no install of ota-supervisor`,
  notOursHint: 'remove it if it is not needed, or choose another name for the service, with --name',

  // --- status ---

  newest: (version: string, mode: string) =>
    `${version} is there${mode === 'auto' ? ', and is installed by itself' : ''}; at once: ota-supervisor self-update`,
  trialSince: (previous: string, ago: string) =>
    `on trial for ${ago}; if it does not pass, back to ${previous}`,
  failedAt: ({ version, why }: { readonly version: string; readonly why: string }, at: string) =>
    `${version} did not pass, ${at}: ${shown(why)}`,
} as const
