import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
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

/** A port of the loopback interface that nobody listens on; somebody may, by chance, a moment later. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** True when who listens on a port greets whoever connects, and begins with this. */
export async function greets(port: number, beginning = ''): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const [said] = (await once(socket, 'data')) as [Buffer]
    return said.toString().startsWith(beginning)
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
