import { within } from '../../system/clock.ts'
import type { Deposit } from './deposit.ts'

/** A deposit that is not there: nothing ever comes, and nothing is watched. */
export const noDeposit: Deposit = {
  async next(signal) {
    await within(new Promise<never>(() => undefined), signal)
    return null
  },
  hasContent: async () => false,
  state: () => ({ files: 0, waitingFor: null }),
  claim: unasked,
  unclaimed: unasked,
  holdBack: unasked,
  holdForNetwork: unasked,
}

/** These are about an upload. */
function unasked(): never {
  throw new Error('there is no deposit')
}
