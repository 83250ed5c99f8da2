import type { Peer } from './peer.ts'
import { entr } from './peers/entr.ts'
import { floor } from './peers/floor.ts'
import { nodemon } from './peers/nodemon.ts'
import { otaSupervisor } from './peers/ota-supervisor.ts'
import { pm2 } from './peers/pm2.ts'
import { supervisord } from './peers/supervisord.ts'
import { watchmedo } from './peers/watchmedo.ts'

/** All who take part, in the order of their turns. */
export const peers: readonly Peer[] = [
  floor,
  otaSupervisor,
  nodemon,
  pm2,
  watchmedo,
  entr,
  supervisord,
]
