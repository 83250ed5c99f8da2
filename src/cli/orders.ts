import { ask } from '../control/client.ts'
import { print, printJson } from './screen.ts'
import { siteIn } from './site.ts'
import { type Asked, exitCodes } from './verb.ts'

/** Hands an order to the daemon, waits until it is carried out, and prints what was done. */
export async function order(
  name: 'start' | 'stop' | 'restart' | 'rollback' | 'reload',
  { directory, json }: Asked,
  body?: unknown,
): Promise<number> {
  const { paths } = await siteIn(directory)
  const said = await ask(name, paths, body)
  if (json) printJson(said)
  else print(said.text)
  return exitCodes.done
}
