import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'

/** Lets a server listen on a free port of the loopback interface until the test ends; returns the port. */
export async function listen(
  t: TestContext,
  server: Server & { closeAllConnections?: () => void },
  host = '127.0.0.1',
): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  afterwards(t, () => {
    server.closeAllConnections?.()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
