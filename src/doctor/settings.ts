import { join } from 'node:path'
import { configFileName } from '../config.ts'
import { type Layout, loadLayout } from '../config-projects.ts'
import { codeOf, isExpected, messageOf } from '../errors.ts'
import { shellLine } from '../phrases.ts'
import { doctorWords } from '../words-doctor.ts'
import { error, type Finding, ok, unknown } from './finding.ts'
import { askRoot } from './line.ts'
import type { Machine } from './patient.ts'

/** The settings in force, null when they are broken, and what there is to say of them. */
export type Settings = { readonly layout: Layout | null; readonly finding: Finding }

/** Reads the settings of a directory (absolute). */
export async function readSettings(project: string, machine: Machine): Promise<Settings> {
  const check = 'settings'
  try {
    const layout = await loadLayout(project)
    return { layout, finding: ok(check, doctorWords.settings) }
  } catch (failure) {
    if (!isExpected(failure)) throw failure
    const finding =
      codeOf((failure as Error).cause) === 'EACCES'
        ? unknown(check, doctorWords.settingsClosed(machine.self.name), askRoot(machine, project))
        : error(check, doctorWords.settingsBroken(messageOf(failure)), editLine(project))
    return { layout: null, finding }
  }
}

/** Opens the settings of a project (absolute): only a person can say what was meant. */
export function editLine(project: string): string {
  // The quotes of `line` would keep the shell from putting in the editor's name.
  return `\${EDITOR:-nano} ${shellLine(join(project, configFileName))}`
}
