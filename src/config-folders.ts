import { join, resolve } from 'node:path'
import { type Config, ownName } from './config.ts'
import { isWithin } from './system/within.ts'

/** Where the checkout is the project directory itself, uploads have no place unless one is named. */
export function settledFolders(config: Config, isDepositGiven: boolean): Config {
  if (config.folders.main !== '.' || isDepositGiven) return config
  return { ...config, folders: { ...config.folders, deposit: '' } }
}

/**
 * What is wrong with where the deposit is; null: nothing. `mixed`: it lies in main or main in it, so that what
 * is uploaded would be the program before it is checked. `taken`: it lies in what is git's or the daemon's.
 */
export function depositTrouble(
  { main, deposit }: Config['folders'],
  projectDir: string,
): 'mixed' | 'taken' | null {
  if (deposit === '') return null
  const project = resolve(projectDir)
  const [mainPath, depositPath] = [resolve(project, main), resolve(project, deposit)]
  const taken = [ownName, 'logs', '.git'].map((name) => join(project, name))
  if (taken.some((one) => isWithin(depositPath, one))) return 'taken'
  const isInMain = main !== '.' && isWithin(depositPath, mainPath)
  return isInMain || isWithin(mainPath, depositPath) ? 'mixed' : null
}
