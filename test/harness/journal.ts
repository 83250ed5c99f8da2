import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { afterwards } from './cleanup.ts'
import { cleanEnvironment } from './daemon.ts'
import { makeFolder, placeOf } from './tools.ts'

/** An SFTP server that logs, and a PATH on which `journalctl` tells what it has said. */
export type SftpJournal = { readonly server: string; readonly path: string }

/**
 * Makes a stand-in for journald, which a test cannot start without being root. What it tells is real:
 * OpenSSH's own server says it, at log level INFO, to a file instead of the journal.
 */
export async function makeSftpJournal(t: TestContext): Promise<SftpJournal> {
  const dir = await makeFolder(t)
  const log = join(dir, 'log')
  const server = join(dir, 'server')
  await writeFile(log, '')
  await writeProgram(server, `exec ${placeOf('sftp-server')} -e -l INFO 2>> ${log}`)
  // As `journalctl -o short-unix` prints it; the server ends its lines on stderr with \r\n.
  const line = `s/^/$(date +%s).999999 pi sftp-server[7]: /`
  await writeProgram(join(dir, 'journalctl'), `tr -d '\\r' < ${log} | sed "${line}"`)
  return { server, path: `${dir}${delimiter}${process.env['PATH']}` }
}

/**
 * Uploads a part of a file and stays connected; the answer breaks the connection. It speaks the protocol
 * itself: a client that is killed while the server answers ends it by SIGPIPE, before it can log.
 */
export async function uploadPart(
  t: TestContext,
  { server }: SftpJournal,
  to: string,
  part: string,
): Promise<() => Promise<void>> {
  const child = spawn(server, { stdio: ['pipe', 'pipe', 'ignore'], env: cleanEnvironment() })
  const ended = once(child, 'exit')
  afterwards(t, async () => {
    child.kill('SIGKILL')
    await ended
  })
  const writeCreateTruncate = 0x1a
  // The server numbers its handles from 0, in four bytes.
  const handle = number(0)
  child.stdin.write(packet(1, number(3)))
  child.stdin.write(packet(3, number(1), text(to), number(writeCreateTruncate), number(0)))
  child.stdin.write(packet(6, number(2), text(handle), number(0), number(0), text(part)))
  await replies(child, 3)
  return async () => {
    child.stdin.end()
    await ended
  }
}

async function replies(
  { stdout }: ChildProcessByStdio<Writable, Readable, null>,
  wanted: number,
): Promise<void> {
  let got = Buffer.alloc(0)
  for (let left = wanted; left > 0; ) {
    const isWhole = got.length >= 4 && got.length >= 4 + got.readUInt32BE()
    if (isWhole) {
      got = got.subarray(4 + got.readUInt32BE())
      left -= 1
    } else {
      const [chunk] = await once(stdout, 'data')
      got = Buffer.concat([got, chunk as Buffer])
    }
  }
}

function packet(type: number, ...parts: readonly Buffer[]): Buffer {
  return text(Buffer.concat([Buffer.from([type]), ...parts]))
}

function text(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([number(bytes.length), bytes])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

async function writeProgram(place: string, text: string): Promise<void> {
  await writeFile(place, `#!/bin/sh\n${text}\n`)
  await chmod(place, 0o755)
}
