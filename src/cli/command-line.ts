import { parseArgs } from 'node:util'
import { messageOf } from '../errors.ts'
import type { Asked, Verb } from './verb.ts'

/** The verbs, in the order in which `--help` shows them. Loaded on demand: none pays for another. */
const verbs: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  run: () => import('./run.ts'),
  check: () => import('./check.ts'),
  status: () => import('./status.ts'),
  logs: () => import('./logs.ts'),
  history: () => import('./history.ts'),
  deploy: () => import('./deploy.ts'),
  update: () => import('./update.ts'),
  rollback: () => import('./rollback.ts'),
  start: () => import('./start.ts'),
  stop: () => import('./stop.ts'),
  restart: () => import('./restart.ts'),
  reload: () => import('./reload.ts'),
  service: () => import('./service.ts'),
  doctor: () => import('./doctor.ts'),
  migrate: () => import('./migrate.ts'),
  'self-update': () => import('./self-update.ts'),
  version: () => import('./version.ts'),
  'self-check': () => import('./self-check.ts'),
}

/** What was asked for: a verb with what it is to do, a help text, or what is wrong with the line. */
export type CommandLine =
  | { readonly is: 'verb'; readonly verb: Verb; readonly asked: Asked }
  | { readonly is: 'help'; readonly text: string }
  | { readonly is: 'wrong'; readonly why: string }

const usage = `ota-supervisor keeps main/main.py running, and swaps in what comes into deposit/.

Usage: ota-supervisor [VERB] [options]

Verbs:
  run         run the daemon in the foreground (the default)
  check       what would happen to what lies in the deposit, and the settings
  status      how the program, its release and the deposit stand
  logs        print the log, and follow it
  history     how the last releases ended
  deploy      put files into the deposit as one release, and wait for its end
  update      look at the git remote now, and wait for the end of what is new there
  rollback    undo the newest release, or all back to before one
  start       start main.py (after a stop, or after crashes)
  stop        stop main.py until it is started again
  restart     stop main.py and start it again
  reload      read supervisor.toml again
  service     install the daemon as a service of systemd, or remove it
  doctor      what is wrong here, and the commands that mend it
  migrate     from client-connector-updater: the settings that stand for it
  self-update look for a newer version of ota-supervisor, and install it
  version     print the version

`

const commonHelp = `Options of every verb:
  -C, --directory DIR   the project directory (default: the current one)
  -p, --project NAME    of many projects under one daemon: this one, or those
                        of a pattern such as 'ga*'
      --json            answer in JSON
  -h, --help            help; of a verb: ota-supervisor VERB --help

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings, 3 the daemon
is not running.
`

const common = {
  directory: { type: 'string', short: 'C', default: '.' },
  project: { type: 'string', short: 'p' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Reads the arguments: the verb is the first that is not an option. */
export async function parseCommandLine(args: readonly string[]): Promise<CommandLine> {
  const at = verbAt(args)
  const name = args[at] ?? defaultVerb(args)
  const load = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (name === 'help') return { is: 'help', text: usage + commonHelp }
  if (load === undefined) return { is: 'wrong', why: `unknown verb: ${name}` }
  const { verb } = await load()
  try {
    const { values, positionals } = parseArgs({
      args: args.filter((_, index) => index !== at),
      allowPositionals: true,
      options: { ...common, ...verb.options },
    })
    const { directory, project, json, help, ...own } = values as typeof values & CommonValues
    if (help)
      return { is: 'help', text: at < 0 ? usage + commonHelp : `${verb.help}\n${commonHelp}` }
    const wrong = countProblem(positionals, verb)
    if (wrong !== null) return { is: 'wrong', why: wrong }
    const asked = { directory, project, json, values: own as Asked['values'], args: positionals }
    return { is: 'verb', verb, asked }
  } catch (error) {
    return { is: 'wrong', why: messageOf(error) }
  }
}

type CommonValues = {
  readonly directory: string
  readonly project: string | undefined
  readonly json: boolean
  readonly help: boolean
}

/** Where the verb is, or -1: these are the only options with a value that may come before it. */
function verbAt(args: readonly string[]): number {
  return args.findIndex((arg, index) => {
    const isValue =
      index > 0 && ['-C', '--directory', '-p', '--project'].includes(args[index - 1] ?? '')
    return !isValue && !arg.startsWith('-')
  })
}

function defaultVerb(args: readonly string[]): string {
  return args.includes('--version') ? 'version' : 'run'
}

function countProblem(args: readonly string[], { takes }: Verb): string | null {
  if (args.length > takes.most) return `unexpected argument: ${args[takes.most]}`
  return args.length < takes.least ? 'an argument is missing' : null
}
