import { ask } from '../control/client.ts'
import { printAnswer } from './screen.ts'
import { siteIn } from './site.ts'
import { type Asked, exitCodes } from './verb.ts'

/** Hands an order to the daemon, waits until it is carried out, and prints what was done. */
export async function order(
  name: 'start' | 'stop' | 'restart' | 'rollback' | 'reload',
  asked: Asked,
  body?: unknown,
): Promise<number> {
  const { paths } = await siteIn(asked.directory)
  const said = await ask(name, paths, body)
  printAnswer(asked, said, said.text)
  return exitCodes.done
}
