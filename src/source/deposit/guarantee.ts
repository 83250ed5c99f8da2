import { closeSync, openSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { DepositSite } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import type { Doubt, Guarantee, Writers } from '../../model.ts'
import { hasCapability } from '../../system/processes.ts'
import { canSeeSessions } from '../../system/sessions.ts'

/**
 * Tries it out on the deposit's own file system: a file held open for writing must be seen as busy,
 * and as free when it is closed. `asUid` is the user the daemon runs as.
 */
export async function testGuarantee(
  site: DepositSite,
  writers: Writers,
  asUid: number,
): Promise<Guarantee> {
  const doubt = (await leaseDoubt(site, writers)) ?? ownerDoubt(site, asUid)
  if (doubt === null) return { is: 'exact' }
  return { is: canSeeSessions() ? 'connections' : 'timer', because: doubt }
}

async function leaseDoubt({ paths }: DepositSite, writers: Writers): Promise<Doubt | null> {
  // A temporary name: it is never claimed, should a power cut leave it here.
  const path = join(paths.deposit, '.in.ota-supervisor-self-test')
  const question = [Buffer.from(path)]
  try {
    // Anybody may put something there: never through a link, nor into a pipe.
    rmSync(path, { force: true })
    const file = openSync(path, 'wx')
    const [whileOpen] = await writers.ask(question)
    closeSync(file)
    const [afterwards] = await writers.ask(question)
    unlinkSync(path)
    if (whileOpen === 'busy' && afterwards === 'free') return null
    return { is: 'no leases', why: `the answers were ${whileOpen} and ${afterwards}` }
  } catch (error) {
    return { is: 'no leases', why: messageOf(error) }
  }
}

/** Leases are for the owner of a file, and for who has CAP_LEASE: capabilities(7), number 28. */
function ownerDoubt({ paths }: DepositSite, asUid: number): Doubt | null {
  const { uid } = statSync(paths.deposit)
  return uid === asUid || hasCapability(28) ? null : { is: 'other owner', uid }
}
