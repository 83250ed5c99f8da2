import { command, findCommand } from '../system/command.ts'
import { doctorWords } from '../words-doctor.ts'
import { type Check, type Finding, ok, unknown, warning } from './finding.ts'

/** Does a Raspberry Pi get enough power? Under-voltage damages cards and stops machines. */
export const power: Check = {
  name: 'power',
  async look() {
    // Not a Raspberry Pi.
    if ((await findCommand('vcgencmd')) === null) return []
    return [judgePower((await command('vcgencmd', ['get_throttled'])).output)]
  },
}

/** `answer` is what vcgencmd says: `throttled=0x50005`. The bits are in its documentation. */
export function judgePower(answer: string): Finding {
  const digits = /^throttled=0x([0-9a-f]+)$/i.exec(answer.trim())?.[1]
  if (digits === undefined) return unknown('power', doctorWords.noPower)
  const bits = Number.parseInt(digits, 16)
  const has = (bit: number) => (bits & (1 << bit)) !== 0
  // No command mends a power supply or a cable.
  if (has(0)) return warning('power', doctorWords.underVoltage)
  if (has(16)) return warning('power', doctorWords.wasUnderVoltage)
  if (has(2) || has(3)) return warning('power', doctorWords.throttled)
  return ok('power', doctorWords.power)
}
