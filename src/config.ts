import { dirname, join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { tomlName } from './config-names.ts'
import { movingSuffix } from './system/across.ts'
import { type Disk, disk } from './system/disk.ts'

/** What may decide the program's packages. */
export const dependencyPolicies = ['auto', 'gupfile', 'requirements', 'none'] as const

/** The kinds of source that a gupfile may name: all that git knows and pip takes. */
export const sourceSchemes = ['git+https', 'git+ssh', 'git+file', 'git+http', 'git+git'] as const

/** What may be done where main was changed by hand and a commit changes the same. */
export const localChangePolicies = ['refuse', 'save'] as const

/** What may be done when a branch was rewritten. */
export const rewrittenPolicies = ['refuse', 'follow'] as const

/** What may be done about a newer version of ota-supervisor itself. */
export const selfUpdateModes = ['off', 'notify', 'auto'] as const

/** The forms that the lines of the log files may have. */
export const logFormats = ['text', 'json'] as const

/** What may happen when the program has ended by itself; systemd's words. */
export const restartPolicies = ['on-failure', 'always', 'never'] as const

/** What may happen when a release is in main, apart from a command. */
export const afterUpdates = ['restart', 'nothing', 'reboot'] as const

/** What happens when a release is in main: one of these, or a command and its arguments. */
export type AfterUpdate = (typeof afterUpdates)[number] | readonly string[]

/** The signals a program can be asked to end by. */
export const stopSignals = [
  'auto',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGKILL',
] as const

/** What may be done about modules that main.py imports and nobody has. */
export const importPolicies = ['warn', 'strict', 'ignore'] as const

/**
 * Every default and every limit of the daemon. Durations in milliseconds, sizes in bytes. The comments
 * are the text of docs/settings.md and of the schema: `npm run schema` writes them.
 */
export const defaults = {
  /** Where main and deposit are. Read when the daemon starts. */
  folders: {
    /**
     * The folder that the program lies in, relative to the project directory and inside it. `.`: the project
     * directory itself, as where that is a checkout of git.
     */
    main: 'main',
    /**
     * The folder for uploads: any path; a relative one is relative to the project directory. Empty: none. With
     * `main = "."` there is none either, unless it is set.
     */
    deposit: 'deposit',
  },
  /** How main.py is run, restarted and stopped. */
  program: {
    /** The file in main that is run, relative to main. */
    entry: 'main.py',
    /**
     * The Python that runs it: a command, or a path, which is relative to the project directory. Empty:
     * `python3`, or else `python`. Looked for when the daemon starts.
     */
    python: '',
    /** The program's arguments, after `main.py`. */
    args: [] as readonly string[],
    /**
     * More variables for the program's environment; they go before those of the daemon's own. Names that begin
     * with `OTA_SUPERVISOR_` are not free. With a secret in it, let nobody else read the file.
     */
    env: {} as Readonly<Record<string, string>>,
    /** The folder it runs in: any path; a relative one is relative to main. */
    cwd: '.',
    /**
     * The user it runs as, by name or number; only a daemon that is root can choose another. Empty: the
     * daemon's. It gets this user's groups, HOME, USER and LOGNAME, and must be able to read main. Looked
     * up when the daemon starts.
     */
    user: '',
    /** Its group, by name or number. Empty: the first group of `user`. Looked up when the daemon starts. */
    group: '',
    /**
     * When it has ended by itself: `on-failure` starts it again unless its exit code was 0, `always` does so
     * whatever it was, `never` waits for the next upload.
     */
    restart: 'on-failure' as (typeof restartPolicies)[number],
    /**
     * The first rung of the stop ladder: the signal that asks it to end. `auto` is SIGTERM if it has a
     * handler for it, else SIGINT, which Python turns into KeyboardInterrupt.
     */
    stopSignal: 'auto' as (typeof stopSignals)[number],
    /** Up this long, a start counts as done: STARTING becomes RUNNING. */
    startMs: 1_000,
    /**
     * What happens when a release is in main. `restart`: the daemon runs the program itself, and restarts it. Else
     * it runs no program here: it does `nothing`, has the machine `reboot`, or runs a command and its arguments,
     * such as `["systemctl", "restart", "roof.service"]`. Read when the daemon starts. See docs/after-update.md.
     */
    afterUpdate: 'restart' as AfterUpdate,
    /** The command of `afterUpdate` may take this long; then it is killed, and counts as failed. */
    afterUpdateDeadlineMs: 120_000,
    /** With `reboot`: the machine goes down this long after it was announced, in whole minutes. */
    rebootDelayMs: 60_000,
    /** The first wait after a crash; it doubles with each crash that follows. */
    backoffMs: 1_000,
    /** The longest wait after a crash. */
    backoffMaxMs: 60_000,
    /** Waits vary by this part, so that several boxes do not restart in step. */
    backoffJitter: 0.1,
    /** Up this long, earlier crashes are forgotten. */
    healthyMs: 60_000,
    /** This many crashes within `crashWindowMs`, and the program is FATAL. */
    crashLimit: 10,
    /** The time within which crashes are counted for `crashLimit`. */
    crashWindowMs: 300_000,
    /** A FATAL program is tried again after this. */
    fatalRetryMs: 600_000,
    /** The stop ladder: how long after the polite signal SIGTERM is sent. */
    stopMs: 10_000,
    /** The stop ladder: how long after SIGTERM the program is killed. */
    termMs: 3_000,
    /** How often a process group is looked at while it ends. */
    stopPollMs: 10,
    /** A group that outlives SIGKILL (a process stuck in the kernel) is reported this often. */
    survivorReportMs: 30_000,
    /** How long the output of a health check, a hook or another command may still come when it is gone. */
    drainMs: 1_000,
    /**
     * With more memory than this it is restarted, in a trial rolled back: all of its processes together, with
     * what is swapped out. `0B`: no limit.
     */
    maxMemoryBytes: 0,
    /** How often its memory is looked at. */
    memoryIntervalMs: 10_000,
    /** This many looks in a row must find too much. */
    memorySamples: 3,
  },
  /** A question that only a program that is well can answer. None is asked by default. */
  health: {
    /**
     * Asks the program whether it is well: a command and its arguments, run as the program is. Exit code 0
     * means healthy. Empty: no command. One of `command`, `http` and `tcp` at most can be set.
     */
    command: [] as readonly string[],
    /** Asks it by a GET of this address: an answer in full with a status from 200 to 399 means healthy. */
    http: '',
    /** Asks it by connecting to this port: `8080`, `host:8080`, `[::1]:8080`. */
    tcp: '',
    /** A failed check counts from this long after a start on, or once the program has been healthy. */
    startPeriodMs: 10_000,
    /** It is asked this often in that time, and later for as long as it has not been healthy yet. */
    startIntervalMs: 1_000,
    /** It is asked this often from then on. */
    intervalMs: 10_000,
    /** An answer may take this long. */
    timeoutMs: 2_000,
    /** This many failed checks in a row, and the program is restarted; in a trial: rolled back. */
    failures: 3,
  },
  /** Commands that are told what became of a release, and of a program that turned FATAL. */
  hooks: {
    /** A command and its arguments, run when a release is committed; it reads JSON. Empty: none. */
    committed: [] as readonly string[],
    /** Run when a release is rejected. */
    rejected: [] as readonly string[],
    /** Run when a release is rolled back. */
    rolledBack: [] as readonly string[],
    /** Run when the program becomes FATAL. */
    fatal: [] as readonly string[],
    /** A hook that runs longer is killed, with its process group. */
    deadlineMs: 30_000,
    /** While the daemon ends, hooks have this long. */
    endMs: 3_000,
    /** This many run at the same time; the others wait. */
    running: 3,
    /** This many wait; of more, the oldest are dropped. */
    waiting: 20,
    /** So much of the output of one hook is logged. */
    maxOutputBytes: 64_000,
  },
  /** When an upload is complete, and what its names mean. */
  deposit: {
    /** Nothing may have changed, and no upload connection been there, for this long. */
    quietMs: 250,
    /** The same where the system does not tell who is writing, but shows the connections. */
    unknownQuietMs: 2_000,
    /** The same where it shows neither: a guess. */
    blindQuietMs: 10_000,
    /** A connection that stays open (a window of FileZilla) holds a batch up this long at most. */
    sessionQuietMs: 3_500,
    /** With true it holds it up until it ends. */
    waitForSessionEnd: false,
    /** A new connection may bring more of the same batch; it holds it up this long at most. */
    connectionMs: 10_000,
    /** The ports of the upload servers, for that. */
    ports: [21, 22],
    /** A file under a temporary name that nobody has touched for this long is an orphan. */
    orphanMs: 60_000,
    /** A reason to wait is logged when it begins, and again after each of these. */
    holdLogMs: 30_000,
    /** While one of these lies in the deposit's root, nothing is claimed. */
    holdMarkers: ['.hold', '.skipdeploy'],
    /** One of these in the deposit's root: all is there, do not wait for connections to end. */
    goMarkers: ['.go', '.dodeploy'],
    /** How long the helper that knows who is writing may take for an answer. */
    askMs: 5_000,
    /** After this long without a question it is ended: it is memory, and the next one starts it again. */
    helperRestMs: 10_000,
    /** How long the journal may take to tell which uploads were cut off. */
    journalMs: 3_000,
    /** It is read from this long before the batch was noticed. */
    journalMarginMs: 10_000,
    /** A file that changed this long after its upload was cut off has been uploaded in another way. */
    journalSkewMs: 500,
    /** How often the deposit is looked at while something is in it. */
    tickMs: 50,
    /** One look may take this part of the time between two. */
    tickShare: 0.08,
    /** But looks are never further apart than this part of the time it has been looked at so far. */
    tickGrowth: 0.05,
    /** Folders left empty by a claim are removed when no connection can stand in them any more. */
    emptyFolderMs: 60_000,
    /** How often it is looked at when no event came: what events lose is found then. */
    rescanMs: 5_000,
    /**
     * More names that stay in the deposit, with all that is in them: they are never deployed, nor waited for,
     * whatever else their names say. `*` is any text; a name counts in every folder.
     */
    ignore: [] as readonly string[],
    /** Names that stay in the deposit: they hold an empty folder in git. */
    keep: ['.keep', '.gitkeep'],
    /** Names that editors, syncers and Python leave behind: removed, and never deployed. */
    drop: [
      '__pycache__',
      '*.pyc',
      '*.pyo',
      '.git',
      '.svn',
      '.hg',
      '.venv',
      '.idea',
      '.vscode',
      '.mypy_cache',
      '.pytest_cache',
      '.ruff_cache',
      '.DS_Store',
      '._*',
      'Thumbs.db',
      'desktop.ini',
    ],
    /** A list of files and their sums in the deposit's root: they are one release, once all are right. */
    manifest: 'SHA256SUMS',
    /** A longer one is refused unread, in bytes. */
    maxManifestBytes: 20_000_000,
    /** What a manifest lists may be missing or wrong for this long after the last change. */
    manifestWaitMs: 600_000,
    /** An archive of one of these names in the deposit's root is one release: what is in it. */
    archives: ['deposit.zip', 'deposit.tar.gz', 'deposit.tgz'],
    /** The file in which the uploader reads what became of his files; `""`: none. */
    resultFile: 'DEPOSIT-RESULT.txt',
    /** Lines of it that are kept. */
    resultLines: 100,
    /** Which file is waited for changes with each file; it is written there this often at most. */
    resultMs: 1_000,
    /**
     * Names that uploaders, editors and we use for files that are not finished; they stay too. `*` is
     * any text, `XXXXXX` the six random characters of mkstemp(3), as rsync uses them.
     */
    temporary: [
      '.in.*',
      '*.filepart',
      '*.part',
      '*.partial',
      '*.crdownload',
      '*.tmp',
      '*~',
      '*.swp',
      '*.swx',
      '.~tmp~',
      '.rsync-partial',
      '.pureftpd-upload.*',
      '.*.XXXXXX',
      `*${movingSuffix}`,
    ],
    /** What lies in the deposit when the daemon starts goes first, if it is quiet within this. */
    bootWaitMs: 10_000,
    /** After a claim that could not be made (no space, no permission) the next try waits this long. */
    retryMs: 5_000,
  },
  /** How a new version proves itself. */
  trial: {
    /** The new program must stay up this long. */
    ms: 10_000,
    /** Starts of the daemon that may fall into one trial; then the release is to blame. */
    maxBoots: 3,
    /** Tries for a release whose apply was cut off by a power failure. */
    maxAttempts: 3,
  },
  /** What is refused before the program is stopped. */
  verify: {
    /** A release may have this many files; an archive, files and folders. */
    maxEntries: 200_000,
    /** A release may have this many bytes. */
    maxBytes: 4_000_000_000,
    /** A path relative to main may be this long; with the folders of the journal before it the
     * system's limit is 4,096. */
    maxPathBytes: 3_000,
    /** The check of the Python files is given up when it comes no further, not by one file, for this long. */
    checkMs: 60_000,
    /** An archive may unpack to this many times its size. */
    maxRatio: 200,
    /** Unpacking an archive is given up when it comes no further, not by one MiB, for this long. */
    unpackMs: 120_000,
    /** Modules that main.py imports and nobody has: `warn` of them, `strict` refuses, or `ignore`. */
    imports: 'warn' as (typeof importPolicies)[number],
    /** A release that looks cut off (a syntax error, no main.py) may be completed within this. */
    repairMs: 60_000,
  },
  /** What is kept, and when a step that failed is tried again. */
  update: {
    /** Free space that must be left on main's file system before the program is stopped. */
    minFreeBytes: 1_000_000,
    /** Kept aside for a release's own records, so that a full disk cannot stop the way back. */
    reserveBytes: 65_536,
    /** What must be done before anything else (undo, the outcome) is tried again after this. */
    retryMs: 1_000,
    /** A claimed release that cannot be applied yet (a full disk) is tried again after this. */
    waitMs: 5_000,
    /** Refused releases that are kept in `.supervisor/rejected`; the oldest go first. */
    keepRejected: 20,
    /** Together they may have this many bytes; the newest is kept whatever its size. */
    maxRejectedBytes: 500_000_000,
    /** Lines of history that are kept. */
    keepHistory: 1_000,
    /** Committed releases whose journals are kept, so that they can be rolled back. */
    keepJournals: 5,
    /** Together they may have this many bytes; the oldest go first. */
    maxJournalBytes: 500_000_000,
    /** After a release of this many files the daemon gives back the memory that it took. */
    manyFiles: 1_000,
  },
  /** The program's packages: what decides them, and how they are installed. */
  python: {
    /**
     * What decides the program's packages: `gupfile` or `requirements` (the file `requirements.txt`) in main,
     * `none`, or `auto`: the first there is of gupfile, requirements.txt and `[project] dependencies` of
     * pyproject.toml.
     */
    dependencies: 'auto' as (typeof dependencyPolicies)[number],
    /**
     * A virtual environment that is there already, relative to the project directory: it is used as it is and
     * never changed, and no packages are installed. Empty: none.
     */
    venv: '',
    /** With true the program also sees the packages of the system, such as those of `apt install python3-…`. */
    systemPackages: false,
    /** The kinds of source that a gupfile may name. With `git+http` and `git+git` anybody on the way can change it. */
    sources: ['git+https', 'git+ssh', 'git+file'] as readonly (typeof sourceSchemes)[number][],
    /** Installing the packages of one release may take this long. */
    installMs: 900_000,
    /** A source may take this long to tell which commit a tag or branch is. */
    gitMs: 60_000,
    /** An install that takes long is told of this often. */
    progressMs: 30_000,
    /** Free space that must be there before packages are installed. */
    minFreeBytes: 100_000_000,
    /** Environments that no release needs any more are kept while all together have no more bytes than this. */
    keepBytes: 500_000_000,
    /** When the network fails, it is tried again after this; the wait doubles with each failure that follows. */
    retryMs: 60_000,
    /** The longest wait between two tries. */
    retryMaxMs: 3_600_000,
    /** A release whose packages cannot be fetched is refused for good after this. */
    giveUpMs: 86_400_000,
  },
  /** Where main is a checkout of git: how it is fed from its remote. See docs/git.md. */
  git: {
    /** The name of a remote of the checkout, such as `origin`, or an address. Empty: git is not used. */
    remote: '',
    /** The branch of the remote that is followed. Empty: the one that the branch checked out comes from. */
    branch: '',
    /** Instead of a branch: the highest version among the tags of this pattern, such as `v*`. */
    tag: '',
    /** The remote is looked at this often. */
    everyMs: 300_000,
    /**
     * Instead of `every`: when the remote is looked at, as a line of crontab(5) has it, by the clock of the machine;
     * `0 2 * * *` is each night at two. A run that was missed is made up for once. Empty: it is looked at `every` so often.
     */
    schedule: '',
    /** A run of the `schedule` begins later by a time that is drawn anew each time, this long at most. */
    randomDelayMs: 120_000,
    /** And this long at least; more than `random_delay` does not count. */
    randomDelayMinMs: 10_000,
    /**
     * The `schedule` waits this long for the clock to be synchronised; then the clock is trusted if it can be right.
     * `0ms`: it is trusted at once.
     */
    clockWaitMs: 600_000,
    /** The remote is given up when it says nothing for this long. */
    deadlineMs: 120_000,
    /** A commit may take this long to come: the line may be slow, and what has come of it is lost with the rest. */
    fetchMs: 3_600_000,
    /** The private key for SSH, such as a deploy key, relative to the project directory. Empty: the user's own. */
    sshKey: '',
    /** The file with the keys of SSH servers that are trusted, relative to the project directory. Empty: the user's own. */
    knownHosts: '',
    /**
     * When main was changed, by hand or by an upload, in a file that a commit changes too: `refuse` waits until
     * that is put right, `save` keeps the change in git (`refs/ota/saved/`) and replaces it.
     */
    localChanges: 'refuse' as (typeof localChangePolicies)[number],
    /** When the branch does not go on from what main holds (a force-push): `refuse` waits, `follow` goes along. */
    rewritten: 'refuse' as (typeof rewrittenPolicies)[number],
    /**
     * A file with the SSH keys whose signatures count (ssh-keygen(1), ALLOWED SIGNERS), relative to the project
     * directory: a commit that none of them has signed is not used. Empty: signatures are not looked at.
     */
    allowedSigners: '',
    /** When the remote could not be reached, it is asked again after this; the wait doubles with each failure that follows. */
    retryMs: 60_000,
    /** The longest wait between two tries. */
    retryMaxMs: 21_600_000,
  },
  /** The log of the session. */
  log: {
    /** How the lines of the log files are written: `text`, or `json`, one object a line. */
    format: 'text' as (typeof logFormats)[number],
    /** A longer line of the program is cut into several. */
    maxLineBytes: 16_384,
    /** A log file has this many bytes at most; then the session goes on in another. */
    maxFileBytes: 10_000_000,
    /** All log files together may take this many; the oldest go first. */
    maxTotalBytes: 200_000_000,
    /** There may be this many of them: sessions that end at once leave many small ones. */
    maxNumber: 500,
    /** When less than this is free on their file system, the oldest go first too. */
    minFreeBytes: 200_000_000,
    /** The same as a part of the file system; the smaller of the two counts. */
    minFreeShare: 0.05,
    /**
     * This much of the newest log stays even then, as long as the disk takes it. While it is all there is,
     * files are ended at a quarter of this, so that there are some to delete when the disk is full.
     */
    minKeptBytes: 1_000_000,
    /** How often it is looked, while something is written, whether the file and the space are there. */
    checkMs: 1_000,
    /** Lines that come within this are written together. */
    gatherMs: 5,
    /** After little output the next is read after this, or three times this once a flood was given a wide pipe: what comes meanwhile is read in one piece. */
    readMs: 1,
    /** Output waiting to be written; above this the program's pipe is no longer read. */
    maxPendingBytes: 1_000_000,
    /** A log file that cannot be written (a full disk) is tried again after this. */
    retryMs: 1_000,
    /** How long the end of the daemon waits for its last lines to reach the disk. */
    closeMs: 5_000,
  },
  /** What is told to systemd, and what goes into the unit. */
  systemd: {
    /** How often it is looked whether there is something new to tell systemd. */
    tickMs: 1_000,
    /** How long it may take to tell it; systemd-notify itself gives up after 5 s. */
    tellMs: 10_000,
    /** After a failure it is tried again after this. */
    retryMs: 5_000,
    /** While it starts or ends, the daemon asks again and again for this much more time. */
    extendMs: 30_000,
    /** But not any more when its end takes this long: something stuck in the kernel must not keep
     * the machine from going down. */
    stopMaxMs: 600_000,
    /** Silent for this long, the daemon counts as hung. This and what follows goes into the unit. */
    watchdogMs: 60_000,
    /** A daemon that has ended is started again after this. */
    restartMs: 5_000,
    /** Its end may take this much longer than the steps that have a time limit. */
    stopMarginMs: 20_000,
    /** `service` waits this long, and as long as the daemon's end may take. */
    waitMs: 120_000,
  },
  /** The daemon itself. */
  daemon: {
    /** This long after its start the daemon gives back the memory that only the start took. */
    calmMs: 20_000,
    /** A second SIGTERM or SIGINT hastens the end; sooner than this it is the same one, passed on twice. */
    secondSignalMs: 1_000,
    /** The processor time of the program is measured over this. */
    cpuSampleMs: 300,
    /** The control socket is opened again within this when somebody has removed it. */
    socketCheckMs: 5_000,
    /** The longest body of a request to it. */
    maxRequestBytes: 64_000,
    /** A request must have arrived within this. */
    requestMs: 10_000,
    /** Requests at the same time; more than these are turned away. */
    maxRequests: 64,
    /**
     * Of many projects: so many look at their remotes or install packages at the same time, and so many are
     * checked; the others wait for their turn.
     */
    parallel: 2,
    /** Of many projects: one that could not be opened is tried again after this. */
    projectRetryMs: 30_000,
  },
  /** Which folders are projects of this daemon without being listed under `[projects]`. See docs/connectors.md. */
  discover: {
    /**
     * Every folder beside this file that is a checkout of git and holds a `gupfile` is a project; `git.remote` is
     * `origin` there, and `folders.main` the folder itself, unless they are set.
     */
    gupfiles: false,
    /** Names of folders that are none; `*` is any text. */
    ignore: [] as readonly string[],
  },
  /** Newer versions of ota-supervisor itself. See docs/self-update.md. */
  selfUpdate: {
    /** `notify` tells of a newer version, `auto` installs it and goes back if it does not stay up. */
    mode: 'off' as (typeof selfUpdateModes)[number],
    /**
     * Where new versions come from: a git remote (`git+https://…`, `git+ssh://…`, `git+file://…`), or a folder with packages
     * and their `SHA256SUMS`: a path, relative to the project directory, or an address (`https://…`).
     */
    from: '',
    /** Of a git remote: the highest version among the tags of this pattern. */
    tag: 'v*',
    /** Of a git remote, instead of a tag: the newest commit of this branch. */
    branch: '',
    /**
     * A file with the SSH keys whose signatures count (ssh-keygen(1), ALLOWED SIGNERS), relative to the project
     * directory: what none of them has signed is not used. Empty: signatures are not looked at.
     */
    allowedSigners: '',
    /** Of a git remote: the private key for SSH, relative to the project directory. Empty: the user's own. */
    sshKey: '',
    /** Of a git remote: the keys of SSH servers that are trusted, relative to the project directory. Empty: the user's own. */
    knownHosts: '',
    /** It is looked for newer versions this often. */
    everyMs: 86_400_000,
    /** Instead of `every`: when it is looked, as in a crontab; a version that is found is installed then. Empty: `every` so often. */
    schedule: '',
    /** A run of the `schedule` begins later by a time that is drawn anew each time, this long at most. */
    randomDelayMs: 120_000,
    /** And this long at least. */
    randomDelayMinMs: 10_000,
    /** The `schedule` waits this long for the clock to be synchronised; see `git.clockWaitMs`. */
    clockWaitMs: 600_000,
    /** The place where versions come from is given up when it says nothing for this long. */
    deadlineMs: 120_000,
    /** Of a git remote: a commit may take this long to come. */
    fetchMs: 3_600_000,
    /** When it could not be reached, it is asked again after this; the wait doubles with each failure that follows. */
    retryMs: 600_000,
    /** The longest wait between two tries. */
    retryMaxMs: 21_600_000,
    /** A package may have this many bytes, packed. */
    maxPackedBytes: 20_000_000,
    /** And this many unpacked, or in a commit. */
    maxBytes: 200_000_000,
    /** Building a version that comes without its `dist/` may take this long. */
    buildMs: 3_600_000,
    /** The check of a new version, with these settings, may take this long. */
    checkMs: 120_000,
    /** A version that is ready waits this long for releases and trials to end; then until it is found again. */
    idleMs: 3_600_000,
    /** The new version must stay up this long, and all programs be back within twice this; else the old one comes back. */
    stayMs: 600_000,
    /** How often it is looked whether it is so. */
    tickMs: 1_000,
  },
  /** What the verb `doctor` warns of. */
  doctor: {
    /** A check that has no answer after this is left: what it looks at hangs. */
    checkMs: 1_800,
    /** A folder that has not answered after this lies on a dead mount. */
    answerMs: 5_000,
    /** Less free space than this is warned of; less than `update.min_free` is an error. */
    lowBytes: 200_000_000,
    /** The same for files (inodes). */
    lowFiles: 2_000,
    /** Less memory than this, swap included, is warned of. */
    lowMemoryBytes: 60_000_000,
    /** inotify watches that a user should be allowed. */
    watches: 4_096,
    /** Folders whose permissions are looked at, below deposit and below main. */
    maxFolders: 500,
  },
}

/** What the verb `logs` goes by. It needs no settings file: that may be what is wrong. */
export const reading = {
  /** So many lines, unless it is told another number. */
  lines: 50,
  /** With `-f` it is looked this often for what has come, in milliseconds. */
  pollMs: 200,
} as const

/** What the verbs that ask the daemon go by. */
export const asking = {
  /** A daemon that has not told how things stand after this hangs, in milliseconds. */
  answerMs: 15_000,
} as const

/** The settings in force. Nobody changes them but `changeTo`, so they are read where they are used. */
export type Config = Readonly<{
  [Section in keyof typeof defaults]: Readonly<(typeof defaults)[Section]>
}>

/**
 * Puts other settings into force, in place: whoever holds a section reads the new values next time; but those
 * of `readAtStart` stay as they are. The answer names those that are others than in `config`, as they are called
 * in `supervisor.toml`.
 */
export function changeTo(next: Config, config: Config): string[] {
  const changed: string[] = []
  for (const [name, section] of Object.entries(config)) {
    const values = { ...(next[name as keyof Config] as Readonly<Record<string, unknown>>) }
    for (const [key, value] of Object.entries(values)) {
      const known: unknown = (section as Readonly<Record<string, unknown>>)[key]
      if (isDeepStrictEqual(known, value)) continue
      const called = `${tomlName(name)}.${tomlName(key)}`
      changed.push(called)
      if (readAtStart.includes(called)) delete values[key]
    }
    Object.assign(section, values)
  }
  return changed
}

/** Settings that are looked at only when the daemon starts, as they are called in `supervisor.toml`. */
export const readAtStart: readonly string[] = [
  'folders.main',
  'folders.deposit',
  'program.python',
  'program.user',
  'program.group',
  'program.after_update',
]

/** Where everything is. All paths are absolute. */
export type Paths = {
  readonly project: string
  /** Where uploads arrive; null: nowhere, the project is fed in another way. */
  readonly deposit: string | null
  /** It may be the project directory itself. */
  readonly main: string
  readonly logs: string
  /** The settings file. */
  readonly settings: string
  /** The daemon's own folder in the project: its number and its record of the running program. */
  readonly own: string
  readonly pid: string
  readonly runRecord: string
  /** There while the operator wants the program to stay down. */
  readonly stopped: string
  /** A link to the virtual environment in use, for a program that is run by something else. */
  readonly environment: string
  /** There while the machine is to be rebooted for a release. */
  readonly reboot: string
  /** The folder of the control socket, closed to others. */
  readonly run: string
  /** The project's state, always on the file system of main. */
  readonly releases: string
  readonly rejected: string
  /** The journals of committed releases: what a roll-back needs. */
  readonly journals: string
  readonly history: string
  /** The last run of the schedule by which the remote of git is looked at. */
  readonly lastRun: string
  /** The virtual environments, one folder each. */
  readonly environments: string
}

/** One project's ground: where it is, by which settings, on which disk. */
export type Site = { readonly paths: Paths; readonly config: Config; readonly disk: Disk }

/** The paths of a project that has a deposit. */
export type DepositPaths = Paths & { readonly deposit: string }

/** The ground of a project that has a deposit. */
export type DepositSite = Site & { readonly paths: DepositPaths }

/** The same ground, where there is a deposit; else null. */
export function withDeposit(site: Site): DepositSite | null {
  const { deposit } = site.paths
  return deposit === null ? null : { ...site, paths: { ...site.paths, deposit } }
}

/** The settings file of a project, in its directory. It need not be there. */
export const configFileName = 'supervisor.toml'

/** The name of the daemon's folder, in the project and, if main is elsewhere, in main. */
export const ownName = '.supervisor'

/** How the name of a file begins that deletes another one (OCI image-spec, "Whiteouts"). */
export const whiteoutPrefix = '.wh.'

/** Where a release has the files whose names the file system of main cannot hold; relative to its staging. */
export const unholdableFolder = join(ownName, 'unholdable')

/**
 * Where everything is for a project directory; without `folders`, where it usually is. Staging and journal must
 * be on the file system of main, so that a rename is enough. If main is a mount or a link to another disk, they
 * go into it.
 */
export function pathsOf(projectDir: string): DepositPaths
/** The same, with the folders of the settings. */
export function pathsOf(projectDir: string, folders: Config['folders']): Paths
/** See above. */
export function pathsOf(projectDir: string, folders: Config['folders'] = defaults.folders): Paths {
  const project = resolve(projectDir)
  const own = join(project, ownName)
  const main = resolve(project, folders.main)
  const sameDisk = disk.fileSystemOf(own) === disk.fileSystemOf(`${main}/.`)
  const state = sameDisk ? own : join(main, ownName)
  return {
    project,
    deposit: folders.deposit === '' ? null : resolve(project, folders.deposit),
    main,
    logs: join(project, 'logs'),
    settings: join(project, configFileName),
    own,
    pid: join(own, 'daemon.pid'),
    runRecord: join(own, 'program.json'),
    stopped: join(own, 'stopped'),
    environment: join(own, 'environment'),
    reboot: join(own, 'reboot.json'),
    run: join(own, 'run'),
    releases: join(state, 'releases'),
    rejected: join(state, 'rejected'),
    journals: join(state, 'journals'),
    history: join(state, 'history.jsonl'),
    lastRun: join(own, 'last-run.json'),
    environments: join(state, 'environments'),
  }
}

/**
 * What lies in main, or would, and is not the program's: our own folder, and where main is the project directory
 * also logs, deposit and settings. Relative to main.
 */
export function ownInMain({ main, own, releases, logs, settings, deposit }: Paths): string[] {
  const all = [own, dirname(releases), logs, settings, ...(deposit === null ? [] : [deposit])]
  const inMain = all.filter((path) => path.startsWith(`${main}/`))
  return [...new Set(inMain)].map((path) => relative(main, path))
}
