import type { Site } from '../config.ts'
import type { Guarantee, Hold } from '../model.ts'
import { canLook, scan } from '../source/deposit/scan.ts'
import { depositWords } from '../words-deposit.ts'

/** What lies in the deposit, and the first reason why it is not claimed yet. */
export type DepositStatus = {
  readonly files: number
  readonly waitingFor: { readonly because: Hold['because']; readonly text: string } | null
  /** What is guaranteed about half-written files; null while no daemon runs. */
  readonly guarantee: (Guarantee & { readonly text: string }) | null
}

/** What only the running daemon knows of the deposit. */
export type LiveDeposit = {
  readonly deposit: () => { readonly files: number; readonly waitingFor: Hold | null }
  /** Null where there is no deposit. */
  readonly guarantee: Guarantee | null
}

/** How the deposit stands, by the daemon itself; null where there is none. */
export function depositOf({ deposit, guarantee }: LiveDeposit): DepositStatus | null {
  if (guarantee === null) return null
  const { files, waitingFor } = deposit()
  return {
    files,
    waitingFor: waitingFor && { because: waitingFor.because, text: depositWords.hold(waitingFor) },
    guarantee: { ...guarantee, text: depositWords.guarantee(guarantee) },
  }
}

/** The same while no daemon runs. */
export async function depositOnDisk({ paths, config }: Site): Promise<DepositStatus | null> {
  if (paths.deposit === null) return null
  const { entries, temporary } = await scan(paths.deposit, config, canLook)
  const files = [...entries, ...temporary].filter(({ kind }) => kind !== 'dir')
  return { files: files.length, waitingFor: null, guarantee: null }
}
