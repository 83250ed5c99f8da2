import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { DepositSite } from '../config.ts'
import { codeOf, OperationalError } from '../errors.ts'
import type { Clock, Hold, Plan, Writers } from '../model.ts'
import { startChecker } from '../python/check.ts'
import { namesOf } from '../python/dependencies.ts'
import type { Mistake } from '../python/gupfile.ts'
import type { Interpreter } from '../python/interpreter.ts'
import { openPackages } from '../python/packages.ts'
import { asDaemon } from '../python/worker.ts'
import { sizeOf } from '../source/deposit/claim.ts'
import { oneArchive, openJudgement, type Upload } from '../source/deposit/judgement.ts'
import { canLook, type Entry, placeIn, type Snapshot, scan } from '../source/deposit/scan.ts'
import { type Look, type Seen, see } from '../source/deposit/settle.ts'
import { dropsIn, filesIn, isDroppedBy } from '../update/apply.ts'
import { planFor, type Tree } from '../update/verify.ts'
import { depositWords } from '../words-deposit.ts'
import { packageWords } from '../words-packages.ts'
import { verbWords } from '../words-verbs.ts'
import { type Checking, checkPlan, type Staged } from './check.ts'
import { askedIn } from './packages.ts'
import { viewWith } from './view.ts'

/** What would happen to what lies in the deposit now. Paths are relative to it, and so to main. */
export type Preview = {
  /** The first reason why nothing is claimed yet; the rest says how it would go as it lies there. */
  readonly hold: Hold | null
  /** The files that would be claimed, and their bytes. */
  readonly files: readonly string[]
  readonly bytes: number
  readonly forecast: Forecast
  /** What would be removed from the deposit, and never deployed. */
  readonly junk: readonly string[]
  /** What this user cannot see, for people: the daemon may see more, and decide otherwise. */
  readonly unseen: readonly string[]
}

/**
 * `nothing`: no file would be claimed. `archive`: it is looked into when it has been claimed.
 * `unknown`: that depends on what this user cannot see.
 */
export type Forecast =
  | { readonly is: 'nothing' | 'archive' | 'unknown' }
  | { readonly is: 'refused'; readonly why: string }
  | { readonly is: 'applied'; readonly counts: Counts; readonly warnings: readonly string[] }

/** Files of main that would be added, replaced and deleted. */
export type Counts = {
  readonly added: number
  readonly replaced: number
  readonly deleted: number
}

/** What is asked for it. */
export type Asking = {
  readonly site: DepositSite
  readonly python: Interpreter
  readonly writers: Writers
  readonly clock: Clock
}

/**
 * Says what would happen to what lies in the deposit now, by the same decisions as the daemon's, and
 * touches nothing. It may be asked while a daemon runs. A deposit that is no folder is an
 * OperationalError.
 */
export async function preview(by: Asking): Promise<Preview> {
  const { disk, paths, config } = by.site
  const kind = disk.kind(paths.deposit)
  if (kind !== null && kind !== 'dir') {
    const message = depositWords.depositTrouble(paths.deposit, depositWords.depositNotFolder)
    throw new OperationalError(message, { code: 'ENOTDIR', path: paths.deposit })
  }
  const closed = [paths.deposit, paths.main].filter((path) => !canLook(Buffer.from(path)))
  if (closed.length > 0) return { ...nothing, forecast: { is: 'unknown' }, unseen: closed }
  const snapshot = await scan(paths.deposit, config, canLook)
  const unread = unreadable(snapshot, paths.deposit)
  const junk = snapshot.junk.map(({ path }) => path)
  if (!snapshot.hasContent && snapshot.temporary.length === 0) {
    return { ...nothing, junk, unseen: unread }
  }
  const { found, unseen } = await decide(snapshot, unread, by)
  const upload = found !== null && 'snapshot' in found ? found : asItLies(snapshot, by.site)
  return {
    hold: found !== null && 'because' in found ? found : null,
    files: filesOf(upload.snapshot.entries),
    bytes: sizeOf(upload.snapshot).bytes,
    forecast: await forecastFor(upload, unread, by),
    junk,
    unseen,
  }
}

const nothing: Preview = {
  hold: null,
  files: [],
  bytes: 0,
  forecast: { is: 'nothing' },
  junk: [],
  unseen: [],
}

function filesOf(entries: readonly Entry[]): string[] {
  return entries.filter(({ kind }) => kind !== 'dir').map(({ path }) => path)
}

/** Folders that cannot be looked into and files that cannot be read; absolute. */
function unreadable({ entries, closed, manifest }: Snapshot, deposit: string): string[] {
  const files = [...entries, ...(manifest === null ? [] : [manifest])].filter(
    ({ kind, raw }) => kind === 'file' && !canRead(placeIn(deposit, raw)),
  )
  return [...closed, ...files].map(({ path }) => join(deposit, path))
}

function canRead(path: Buffer): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch (error) {
    // It has gone meanwhile: nobody needs to read it.
    return codeOf(error) === 'ENOENT'
  }
}

/** Asks what the daemon asks; null where the sums of a manifest cannot be compared. */
async function decide(
  snapshot: Snapshot,
  unread: readonly string[],
  { site, writers, clock }: Asking,
): Promise<{ readonly found: Hold | Upload | null; readonly unseen: readonly string[] }> {
  const judgement = openJudgement(site, writers, clock)
  const look = await judgement.lookAround(snapshot, null)
  const unseen = [...unread, ...(look.hasUnknown ? [verbWords.writersUnseen] : [])]
  if (snapshot.manifest !== null && unread.length > 0) return { found: null, unseen }
  const now = clock.now()
  return { found: await judgement.decide(look, seenNow(look, now, site, clock), now), unseen }
}

/**
 * What a daemon would remember that has looked for long. When things last changed is asked of the disk,
 * so that nothing has to be waited for.
 */
function seenNow(look: Look, now: number, { disk, paths }: DepositSite, clock: Clock): Seen {
  const { entries, temporary } = look.snapshot
  const wall = clock.wall().getTime()
  const sinceOf = ({ raw }: Entry) =>
    now - Math.max(0, wall - (disk.changedAt(placeIn(paths.deposit, raw)) ?? wall))
  return {
    ...see(null, look, now, now),
    changedAt: [...entries, ...temporary].map(sinceOf).reduce((one, other) => Math.max(one, other)),
    temporary: new Map(
      temporary.map((entry) => {
        return [entry.path, { fingerprint: entry.fingerprint, since: sinceOf(entry) }]
      }),
    ),
  }
}

/** The upload that it would be if nothing else came. What a manifest lists is not all there yet. */
function asItLies(snapshot: Snapshot, { config }: DepositSite): Upload {
  const whole = oneArchive(snapshot, config.deposit.archives)
  const entries = snapshot.manifest === null ? whole.entries : []
  return { snapshot: { ...snapshot, entries }, mayWait: false, refused: null, heldMs: 0 }
}

/** What verify and the check of the Python files would say. */
async function forecastFor(
  { snapshot, refused }: Upload,
  unread: readonly string[],
  asking: Asking,
): Promise<Forecast> {
  const { site } = asking
  const { entries } = snapshot
  if (refused !== null) return { is: 'refused', why: refused }
  if (filesOf(entries).length === 0) return { is: 'nothing' }
  const [first] = entries
  const isOne = entries.length === 1 && first?.kind === 'file'
  if (isOne && site.config.deposit.archives.includes(first.path)) return { is: 'archive' }
  try {
    const about = { ...sizeOf(snapshot), from: 'deposit' } as const
    const planned = await planFor(treeOf(entries, site), about, site)
    if ('refused' in planned) return { is: 'refused', why: planned.refused }
    if (unread.length > 0) return { is: 'unknown' }
    const only = entries.map(({ path }) => path)
    const staged = { folder: site.paths.deposit, only, bytecode: null }
    const by = await packagesFor(planned.plan, staged, asking)
    if ('mistakes' in by) return { is: 'refused', why: packageWords.mistakes(by.mistakes) }
    const end = new AbortController().signal
    const checked = await checkPlan(planned.plan, staged, site, by, end)
    if ('refused' in checked) return { is: 'refused', why: checked.refused }
    const warnings = [...planned.warnings, ...by.warnings, ...checked.warnings]
    return { is: 'applied', counts: countsOf(planned.plan, site), warnings }
  } catch (error) {
    // Somewhere in main.
    if (codeOf(error) !== 'EACCES') throw error
    return { is: 'unknown' }
  }
}

/** With what it would be checked: what is missing in packages that are not there yet nobody can know. */
async function packagesFor(
  plan: Plan,
  staged: Staged,
  { site, python, clock }: Asking,
): Promise<
  (Checking & { readonly warnings: readonly string[] }) | { readonly mistakes: readonly Mistake[] }
> {
  const never = new AbortController().signal
  const packages = openPackages(python, asDaemon, site, clock, never)
  const { imports } = site.config.verify
  const bare = { python, imports, behalf: asDaemon, start: startChecker }
  const asked = await askedIn(viewWith(plan, staged, site), { packages, python, site })
  if ('mistakes' in asked) return asked
  if ('inUse' in asked) {
    return { ...bare, python: asked.inUse.python, hasNewPackages: false, warnings: [] }
  }
  const found = await packages.find(asked.wish)
  if (found !== null) return { ...bare, python: found.python, hasNewPackages: true, warnings: [] }
  const warnings = [packageWords.wouldInstall(asked.wish.from, namesOf(asked.wish))]
  return { ...bare, imports: 'ignore', hasNewPackages: false, warnings }
}

/** What would be claimed, as it would lie in staging. */
function treeOf(entries: readonly Entry[], { disk, paths }: DepositSite): Tree {
  const listed = new Set(entries.map(({ path }) => path))
  const folders = new Map<string, string[]>()
  for (const { path } of entries) {
    const end = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(0, end))
    const names = folders.get(folder) ?? []
    names.push(path.slice(end + 1))
    folders.set(folder, names)
  }
  return {
    kind: (path) => (listed.has(path) ? disk.kind(join(paths.deposit, path)) : null),
    list: (folder) => folders.get(folder) ?? [],
  }
}

function countsOf(plan: Plan, site: DepositSite): Counts {
  const { disk, paths } = site
  const placed = filesIn(plan)
  const isDropped = isDroppedBy(plan)
  const replaced = placed.filter((path) => {
    return disk.kind(join(paths.main, path)) !== null && !isDropped(path)
  }).length
  const deleted = dropsIn(plan).reduce(
    (sum, path) => sum + filesBelow(join(paths.main, path), site),
    0,
  )
  return { added: placed.length - replaced, replaced, deleted }
}

function filesBelow(path: string, site: DepositSite): number {
  if (site.disk.kind(path) !== 'dir') return 1
  return site.disk.list(path).reduce((sum, name) => sum + filesBelow(join(path, name), site), 0)
}
