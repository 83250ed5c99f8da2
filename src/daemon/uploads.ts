import { type Site, withDeposit } from '../config.ts'
import { timeText } from '../log/format.ts'
import type { Clock, Guarantee, Log, Writers } from '../model.ts'
import { type Deposit, openDeposit } from '../source/deposit/deposit.ts'
import { testGuarantee } from '../source/deposit/guarantee.ts'
import { noDeposit } from '../source/deposit/none.ts'
import { openResult } from '../source/deposit/result.ts'
import { words } from '../words.ts'
import { depositWords } from '../words-deposit.ts'

/** The way by which uploads come, if there is one. */
export type Uploads = {
  readonly deposit: Deposit
  /** What is guaranteed about half-written files; null: there is no deposit. */
  readonly guarantee: Guarantee | null
  /** Tells the uploader. */
  readonly answer: (text: string) => void
}

/** Opens the deposit of a project, and tries out what it can know; without a deposit nothing ever comes. */
export async function openUploads(
  site: Site,
  writers: Writers,
  log: Log,
  clock: Clock,
): Promise<Uploads> {
  const place = withDeposit(site)
  if (place === null) return noUploads
  const guarantee = await testGuarantee(place, writers, process.getuid?.() ?? 0)
  log.info(depositWords.guarantee(guarantee))
  const answer = openResult(place, () => timeText(clock.wall()))
  const deposit = openDeposit(place, writers, log, answer, clock)
  log.info(words.waiting(place.paths.deposit))
  return { deposit, guarantee, answer: answer.tell }
}

/** Where there is no deposit, or nothing is to be taken from it. */
export const noUploads: Uploads = {
  deposit: noDeposit,
  guarantee: null,
  answer: () => undefined,
}
