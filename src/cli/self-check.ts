import { loadLayout } from '../config-projects.ts'
import { statusFromDisk } from '../control/status.ts'
import { packageOf } from '../system/package.ts'
import { write } from './screen.ts'
import { chooseFrom } from './site.ts'
import { exitCodes, type Verb } from './verb.ts'

/**
 * `self-check`: what an older version asks of a newer one before it makes way for it. The answer is the version, once
 * all of the daemon is loaded and the settings and records of the project have been read; nothing is changed.
 */
export const verb: Verb = {
  help: `Usage: ota-supervisor self-check [-C DIR]

Prints the version if it could run here: all of it can be loaded, and the
settings and records of the project can be read. Changes nothing.
`,
  options: {},
  takes: { least: 0, most: 0 },
  async run({ directory }) {
    const layout = await loadLayout(directory)
    await import('../daemon.ts')
    const { places } = await chooseFrom(layout, { directory, project: undefined, args: [] })
    for (const { site } of places) await statusFromDisk(site)
    write(`${packageOf().version}\n`)
    return exitCodes.done
  },
}
