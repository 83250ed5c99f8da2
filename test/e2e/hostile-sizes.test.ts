import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Corpus, testCorpus } from '../harness/hostile.ts'
import { isThorough } from '../harness/thorough.ts'

const committed = { says: /committed/, becomes: 'committed' } as const

const many = isThorough ? 100_000 : 20_000

const large: Corpus = {
  'very many empty files in one folder': {
    ...committed,
    make: ({ upload }) => {
      mkdirSync(join(upload, 'many'))
      for (let n = 0; n < many; n += 1) closeSync(openSync(join(upload, 'many', `${n}`), 'w'))
    },
    check: ({ dir }) => {
      assert.equal(readdirSync(join(dir, 'main/many')).length, many)
      rmSync(join(dir, 'main/many'), { recursive: true })
    },
  },
  'a sparse file of 2 GB': {
    ...committed,
    make: ({ upload }) => sparse(join(upload, 'sparse.bin')),
    check: async ({ dir }) => {
      assert.equal((await stat(join(dir, 'main/sparse.bin'))).size, 2_000_000_000)
      rmSync(join(dir, 'main/sparse.bin'))
    },
  },
  'a sparse program of 2 GB': {
    make: ({ upload }) => sparse(join(upload, 'sparse.py')),
    says: /sparse\.py: (MemoryError|OverflowError|ValueError)/,
    becomes: 'held',
  },
  'a sparse zip of 2 GB': {
    make: ({ upload }) => sparse(join(upload, 'deposit.zip')),
    says: /deposit\.zip is cut off or damaged/,
    becomes: 'held',
  },
  'a sparse tar of 2 GB': {
    make: ({ upload }) => sparse(join(upload, 'deposit.tar.gz')),
    says: /deposit\.tar\.gz is cut off or damaged/,
    becomes: 'held',
  },
}

function sparse(path: string): void {
  const file = openSync(path, 'w')
  ftruncateSync(file, 2_000_000_000)
  closeSync(file)
}

testCorpus('hostile sizes', large)
