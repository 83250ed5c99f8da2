import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterwards } from './cleanup.ts'

/** A package as a test wants it. Its modules are the files, relative to site-packages. */
export type TestPackage = {
  readonly name: string
  readonly version: string
  readonly requires?: readonly string[]
  readonly files?: Readonly<Record<string, string | Buffer>>
}

/** The file name of its wheel. */
export function wheelName({ name, version }: TestPackage): string {
  return `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`
}

/**
 * Its wheel: a zip of its files and of what tells pip about them. Without files it is one module that
 * knows its version.
 */
export function makeWheel(about: TestPackage): Buffer {
  const { name, version, requires = [] } = about
  const module = name.replaceAll('-', '_')
  const info = `${module}-${version}.dist-info`
  const files: Record<string, string | Buffer> = {
    ...(about.files ?? { [`${module}.py`]: `VERSION = "${version}"\n` }),
    [`${info}/METADATA`]: [
      ...['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`],
      ...requires.map((one) => `Requires-Dist: ${one}`),
      '',
    ].join('\n'),
    [`${info}/WHEEL`]:
      'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  }
  const record = Object.entries(files).map(([path, content]) => {
    const sum = createHash('sha256').update(content).digest('base64url')
    return `${path},sha256=${sum},${Buffer.byteLength(content)}`
  })
  return makeZip({ ...files, [`${info}/RECORD`]: [...record, `${info}/RECORD,,`, ''].join('\n') })
}

/** A zip file, as APPNOTE.TXT of PKWARE has it: local headers with the content, then the table of them. */
export function makeZip(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts: Buffer[] = []
  const table: Buffer[] = []
  let at = 0
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path)
    const data = Buffer.from(content)
    const packed = deflateRawSync(data)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0)
    about.writeUInt16LE(8, 4)
    about.writeUInt16LE(0x21, 8)
    about.writeUInt32LE(crc32(data), 10)
    about.writeUInt32LE(packed.length, 14)
    about.writeUInt32LE(data.length, 18)
    about.writeUInt16LE(name.length, 22)
    parts.push(Buffer.from('PK\x03\x04'), about, name, packed)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE((0o100644 << 16) >>> 0, 6)
    rest.writeUInt32LE(at, 10)
    table.push(Buffer.from('PK\x01\x02\x14\x03'), about, rest, name)
    at += 4 + about.length + name.length + packed.length
  }
  const tableBytes = Buffer.concat(table)
  const end = Buffer.alloc(18)
  const many = Object.keys(files).length
  end.writeUInt16LE(many, 4)
  end.writeUInt16LE(many, 6)
  end.writeUInt32LE(tableBytes.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...parts, tableBytes, Buffer.from('PK\x05\x06'), end])
}

/** A package index on loopback. */
export type Index = {
  readonly url: string
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[]
  /** From now on nothing is answered: a server that hangs. */
  readonly hang: () => void
  /** With true it answers that it cannot, until false. */
  readonly fail: (isFailing: boolean) => void
  readonly close: () => void
}

/** Serves wheels as PEP 503 has it: a page for each package, with links and sums. */
export async function serveIndex(t: TestContext, packages: readonly TestPackage[]): Promise<Index> {
  const wheels = new Map(packages.map((one) => [wheelName(one), makeWheel(one)]))
  const asked: string[] = []
  let isHanging = false
  let isFailing = false
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    if (isHanging) return
    if (isFailing) return void request.socket.destroy()
    const wheel = wheels.get(path.split('/').at(-1) ?? '')
    if (wheel !== undefined) return void response.end(wheel)
    const name = /^\/simple\/([^/]+)\/$/.exec(path)?.[1]
    const links = [...wheels]
      .filter(([file]) => file.split('-')[0]?.toLowerCase().replaceAll('_', '-') === name)
      .map(([file, bytes]) => {
        const sum = createHash('sha256').update(bytes).digest('hex')
        return `<a href="/files/${file}#sha256=${sum}">${file}</a>`
      })
    if (links.length === 0) response.statusCode = 404
    response.setHeader('content-type', 'text/html')
    response.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  afterwards(t, close)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/simple/`,
    asked,
    hang: () => {
      isHanging = true
    },
    fail: (isSo) => {
      isFailing = isSo
    },
    close,
  }
}
