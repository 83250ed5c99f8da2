import { command } from '../system/command.ts'
import { packageWords } from '../words-packages.ts'
import type { Interpreter } from './interpreter.ts'

const question = `
import glob, importlib.util, json, os, sysconfig
def places():
    found = importlib.util.find_spec("pip")
    if found and found.origin:
        # It runs this pip with another Python, which sees nothing else of this one's packages.
        yield os.path.join(os.path.dirname(found.origin), "__pip-runner__.py")
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels"]
    bundled = importlib.util.find_spec("ensurepip")
    if bundled and bundled.origin:
        folders.append(os.path.join(os.path.dirname(bundled.origin), "_bundled"))
    for folder in filter(None, folders):
        for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl")), reverse=True):
            yield wheel
there = [place for place in places() if os.path.exists(place)]
print(json.dumps(there[0] if there else None))
`

/**
 * The pip that an environment's Python is told to run: that of the system (22.2 or newer), or the one that
 * Python carries for its virtual environments. Null when this machine has none: `apt install python3-pip`.
 */
export async function findPip(python: Interpreter): Promise<string | null> {
  const answer = await command(python.path, ['-I', '-c', question], { cwd: '/' })
  if (answer.exitCode !== 0) return null
  const found = JSON.parse(answer.stdout) as string | null
  return found?.endsWith('.whl') ? `${found}/pip` : found
}

/** What pip's or git's last words mean. */
export type Failure = {
  /** The last lines, without what tells nothing. */
  readonly lines: string
  readonly means:
    | 'network'
    | 'disk full'
    | 'no compiler'
    | 'no git'
    | 'unknown server'
    | 'no access'
    | 'nothing known'
}

/** Reads why pip or git failed from what it said. */
export function failureOf(output: string): Failure {
  const lines = output
    .split(/[\n\r]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '' && !noise.test(line))
    .slice(-20)
    .map((line) => line.slice(0, 300))
    .join('\n')
  return { lines, means: meanings.find(([, form]) => form.test(output))?.[0] ?? 'nothing known' }
}

/** What can be done about it. */
export function hintFor(means: Failure['means']): { hint?: string } {
  switch (means) {
    case 'network':
      return { hint: packageWords.networkHint }
    case 'disk full':
      return { hint: packageWords.installFullHint }
    case 'no compiler':
      return { hint: packageWords.noCompilerHint }
    case 'no git':
      return { hint: packageWords.noGitHint }
    case 'unknown server':
      return { hint: packageWords.unknownServerHint }
    case 'no access':
      return { hint: packageWords.noAccessHint }
    case 'nothing known':
      return {}
  }
}

/** What pip says with every failure, or does before it. */
const noise = new RegExp(
  [
    '^\\[notice\\]',
    '^WARNING: (Retrying|The directory|Running pip as)',
    '^\\s*[╰│]?\\s*$',
    'See above for (output|details)',
    'note: This (error originates from a subprocess|is an issue with the package)',
    '× Encountered error while',
    '^Looking in (indexes|links)',
    '^\\s*(Preparing metadata|Getting requirements|Installing build dependencies|Building wheels?)\\b',
    '^\\s*(Collecting|Processing|Downloading|Requirement already|Cloning|Running command git|Resolved)\\b',
  ].join('|'),
)

const full = /No space left on device|Disk quota exceeded/i

/**
 * From pip (urllib3, requests), git, ssh and curl. A certificate that is not valid yet is a clock that
 * has not been set: a Pi wakes in the past.
 */
const network = new RegExp(
  [
    'Failed to establish a new connection',
    'NewConnectionError',
    'ConnectTimeoutError',
    'ReadTimeoutError',
    'ProtocolError',
    'ProxyError',
    'Max retries exceeded',
    'Name or service not known',
    'Temporary failure in name resolution',
    'Could not resolve host',
    'Network is unreachable',
    'No route to host',
    'Connection (refused|reset|timed out|aborted)',
    'Operation timed out',
    'Read timed out',
    'Failed to connect to',
    // curl: the server has closed the connection, or no longer sends.
    'Empty reply from server',
    'Operation too slow',
    'RPC failed; (curl|result)',
    'TLS connection was non-properly terminated',
    // ssh, before it has asked who we are.
    'kex_exchange_identification',
    'Connection closed by',
    'The requested URL returned error: (429|5\\d\\d)',
    '(429|5\\d\\d) Server Error',
    'too many requests|HTTP error (429|5\\d\\d)',
    'certificate is not yet valid',
    'The remote end hung up unexpectedly',
    'early EOF',
    'IncompleteRead',
  ].join('|'),
  'i',
)

const compiler =
  /(gcc|cc|c\+\+|g\+\+|cmake|rustc|cargo)['"]?:? .*(No such file|not found|failed: No such)|Python\.h: No such file|can't find Rust compiler/i

const noGit = /Cannot find command 'git'|\bgit['’"]?: No such file|failed to execute git:/

const unknownServer = /Host key verification failed/

/** A server that lets nobody see what is not for all says that it is not there, or asks for a name. */
const noAccess = /Permission denied \(|could not read (Username|Password)|Authentication failed for/

/** The first that is found counts. */
const meanings: readonly (readonly [Failure['means'], RegExp])[] = [
  ['disk full', full],
  ['unknown server', unknownServer],
  ['no access', noAccess],
  ['network', network],
  ['no compiler', compiler],
  ['no git', noGit],
]
