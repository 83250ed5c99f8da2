/**
 * Builds `dist/`: `supervisor.js`, what it loads in `parts/`, Python's scripts in `python/`, `self/launch.sh`, and the
 * licences of all the packages that are in it. One module of many files costs the daemon less time and memory than many modules
 * (docs/decisions/0013). Types are checked before, by tsc.
 *
 * Every part lies one folder deep, as in src: what is found from a module's own place (`../python/check.py`,
 * `../../package.json`) is found from here and from the compiled tests.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/supervisor.ts'],
  outdir: 'dist',
  chunkNames: 'parts/[name]-[hash]',
  bundle: true,
  // A verb stays a part of its own, and none pays for another.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Source text stays in memory for as long as the daemon runs, with all its comments and indents; one
  // character outside of Latin-1, in a comment, makes it twice as long. Names stay as they are.
  minifyWhitespace: true,
  lineLimit: 200,
  // `src/system/trace.ts` reads them for the trace of a bug.
  sourcemap: 'linked',
  sourcesContent: false,
  // Some packages are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
})

mkdirSync(join(dist, 'python'))
for (const name of readdirSync(join(root, 'src/python')).filter((file) => file.endsWith('.py'))) {
  copyFileSync(join(root, 'src/python', name), join(dist, 'python', name))
}
mkdirSync(join(dist, 'self'))
copyFileSync(join(root, 'src/self/launch.sh'), join(dist, 'self/launch.sh'))
chmodSync(join(dist, 'supervisor.js'), 0o755)
writeFileSync(join(dist, 'LICENSES.txt'), packagesOf(metafile).map(licenceOf).join('\n\n'))

/** The folders of the packages that something was taken from, relative to the root. */
function packagesOf({ inputs }) {
  const folders = Object.keys(inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? [],
  )
  return [...new Set(folders)].sort()
}

/** The name of a package and the text of its licence, which has to go with every copy. */
function licenceOf(folder) {
  const path = join(root, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (license === undefined && files.length === 0) throw new Error(`${name} has no licence`)
  const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim())
  return [`--- ${name} ${version} (${license ?? 'see below'})`, ...texts, ''].join('\n\n')
}
