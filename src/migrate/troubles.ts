import type { Obstacle } from '../source/git/checkout.ts'
import { migrateWords } from '../words-migrate.ts'
import { isSamePython } from './environment.ts'
import type { Connector, Layout } from './layout.ts'

/** Something about a connector that is worth a look. */
export type Trouble = Obstacle & {
  /** The name of its folder. */
  readonly folder: string
}

/** All that is worth a look, connector by connector. */
export function troublesOf(layout: Layout, keepsEnvironments: boolean): Trouble[] {
  const { connectors, noCheckouts, python } = layout
  const own = connectors.flatMap((connector) => {
    const { folder, troubles } = connector
    const all = [...troubles, ...environmentTroubles(connector, python, keepsEnvironments)]
    return all.map((trouble) => ({ folder, ...trouble }))
  })
  const left = noCheckouts.map((folder) => ({ folder, why: migrateWords.noCheckout }))
  return [...own, ...left]
}

/** Only who wants to keep an environment needs to know what is wrong with it. */
function environmentTroubles(
  { environment }: Connector,
  python: string | null,
  keepsEnvironments: boolean,
): Obstacle[] {
  if (!keepsEnvironments) return []
  if (environment === null) return [{ why: migrateWords.noEnvironment }]
  const { path, version, isWhole } = environment
  if (!isWhole) return [{ why: migrateWords.brokenEnvironment(path) }]
  if (python === null || version === null || isSamePython(version, python)) return []
  return [{ why: migrateWords.otherPython(path, version, python) }]
}
