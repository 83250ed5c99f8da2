import type { ReleaseId } from '../model.ts'

/** What keeps a release from going on, such as a full disk. There is one at a time: the road is walked by one. */
export type Obstacle = {
  /** Takes note of it; says whether it is another one than before. */
  readonly meet: (id: ReleaseId, text: string) => boolean
  /** It is out of the way. */
  readonly pass: () => void
  /** What keeps this release; null: nothing. */
  readonly of: (id: ReleaseId) => string | null
}

/** The obstacle of one project; there is none at first. */
export function openObstacle(): Obstacle {
  let met: { readonly id: ReleaseId; readonly text: string } | null = null
  return {
    meet(id, text) {
      const isNew = met?.id !== id || met.text !== text
      met = { id, text }
      return isNew
    },
    pass() {
      met = null
    },
    of: (id) => (met?.id === id ? met.text : null),
  }
}
