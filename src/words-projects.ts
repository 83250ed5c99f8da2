import { count, shown } from './phrases.ts'

/** What is said of many projects under one daemon. */
export const projectWords = {
  // --- supervisor.toml ---

  wantsTable: 'expected a table, such as [projects.garage]',
  badName: (name: string) =>
    `${shown(JSON.stringify(name))} is no name for a project: letters, digits, "_", "-" and "." only, and neither of the last two first`,
  badDirectory: 'expected the path of a folder; `~` is not a home here: write it out',
  ofDaemon:
    'this is about the daemon as a whole, which runs all projects: it can stand only at the top of the file',
  holdsParent: (directory: string) =>
    `${shown(directory)} is the folder of this file, or holds it: a project is a folder of its own`,
  sameDirectory: (other: string) => `it is the directory of the project ${other} too`,
  inside: (other: string) => `it lies inside the project ${other}`,
  holds: (other: string) => `the project ${other} lies inside it`,

  otherKind: (is: 'one' | 'many') =>
    is === 'many'
      ? 'the old settings stay in force: the file lists many projects now. Restart the daemon for that'
      : 'the old settings stay in force: the file lists no projects any more. Restart the daemon for that',

  // --- the daemon ---

  hello: (about: {
    version: string
    directory: string
    projects: readonly string[]
    node: string
  }) =>
    `ota-supervisor ${about.version} in ${about.directory}, ${[count(about.projects.length, 'project'), about.projects.join(', ')].filter(Boolean).join(': ')}\nNode ${about.node}`,
  opens: (directory: string, python: string) => `project in ${directory}, Python ${python}`,
  opening: 'it is being opened',
  opened: (name: string) => `${name}: being opened`,
  closed: (name: string) => `${name}: closed`,
  hasEnded: 'it has ended',
  notOpen: (why: string) => `this project does not run: ${why}`,
  notOpenShort: 'not open',
  noDirectory: (directory: string) => `there is no directory ${directory}`,
  noDirectoryHint: 'it is looked for again every now and then, and on: ota-supervisor reload',
  ownSettings: (path: string) =>
    `${path} is not read: the settings of this project are those of its parent`,
  runByParent: (parent: string) =>
    `it runs the projects of ${parent}: ask it there, with -C ${parent}`,
  /** The line that `systemctl status` shows. */
  standing(all: readonly { readonly name: string; readonly state: string | null }[]): string {
    const isUp = (state: string | null) => state === 'RUNNING' || state === 'STARTING'
    const groups = new Map<string, string[]>()
    for (const { name, state } of all.filter((one) => !isUp(one.state))) {
      const key = state ?? 'not open'
      groups.set(key, [...(groups.get(key) ?? []), name])
    }
    const running = all.filter(({ state }) => isUp(state)).length
    const others = [...groups].map(([state, names]) => `${names.length} ${state} (${few(names)})`)
    return `${count(all.length, 'project')}: ${[`${running} running`, ...others].join(', ')}`
  },
  whichOne: (request: string) => `this daemon runs many projects: ${request} is for one of them`,
  whichHint: (request: string) => `/v1/projects/NAME/${request}; /v1/projects lists them`,

  // --- the verbs ---

  noProject: (asked: string, known: readonly string[]) =>
    `there is no project ${shown(asked)}; ${known.length === 0 ? 'there is none at all' : `there ${known.length === 1 ? 'is' : 'are'}: ${known.join(', ')}`}`,
  noneByName: (name: string, directory: string) =>
    `unexpected argument: ${shown(name)}: ${directory} is one project, and has no others`,
  usageHint: 'see: ota-supervisor --help',
  nameOne: (known: readonly string[]) =>
    `this is for one project: name it with -p NAME (${known.join(', ')})`,

  // --- discovered folders ---

  oddFolder: (name: string) =>
    `the folder ${shown(JSON.stringify(name))} holds a gupfile, but its name is none for a project. List it under a name of its own: [projects.NAME] directory = ${shown(JSON.stringify(name))}`,
  notDiscovered: (name: string, why: string) =>
    `the folder ${shown(name)} holds a gupfile, but is not run as a project: ${why}`,
  noConnector: (name: string) =>
    `the folder ${shown(name)} was run as a project, and is not any more: it holds no gupfile, or is no checkout of git. To run it nevertheless, list it: [projects.${shown(name)}]; else name it in ignore of [discover]`,
  none: (directory: string) =>
    `there is no project in ${directory}: list some in supervisor.toml as [projects.NAME], or put checkouts of git that hold a gupfile there, with [discover] gupfiles = true`,
  nameTaken: 'another project has its name',
}

/** The first of many names. */
function few(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ')
}
