import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../src/doctor/finding.ts'
import { until } from '../harness/processes.ts'
import { programPath, writeSettings } from '../harness/project.ts'
import { type Box, bootSystemd, cloneInBox, noSystemdBox } from '../harness/systemd-box.ts'

/** What `doctor` says of the service, under a real systemd, and that each line it tells mends it. */

const project = '/srv/ota'
const supervisor = [process.execPath, join(cloneInBox, 'dist/supervisor.js')]

async function serviceIn(box: Box): Promise<Finding | undefined> {
  const { stdout } = await box.run([...supervisor, 'doctor', '--json', '-C', project])
  return (JSON.parse(stdout) as Finding[]).find(({ check }) => check === 'service')
}

/** Waits until doctor says this of the service. The answer is the line that mends it. */
async function untilSaid(box: Box, text: RegExp): Promise<string> {
  let last: Finding | undefined
  await until(
    `doctor says ${text}`,
    async () => {
      last = await serviceIn(box)
      return text.test(last?.text ?? '')
    },
    60_000,
  )
  return last?.fix ?? ''
}

test('doctor knows the service, and the lines that mend it', {
  skip: noSystemdBox(),
}, async (t) => {
  const box = await bootSystemd(t)
  if (typeof box === 'string') return t.skip(box)
  await box.does('useradd', '--uid', '7124', '--user-group', '--home-dir', project, 'ota')
  await mkdir(box.path(`${project}/main`), { recursive: true })
  await writeSettings(box.path(project), { doctor: { check: '15s' } })
  await copyFile(programPath('ticks'), box.path(`${project}/main/main.py`))
  await box.does('chown', '-R', 'ota:', project)
  const paste = (fix: string) => box.does('sh', '-c', fix)

  await paste(await untilSaid(box, /^no service: a reboot does not start it$/))
  await untilSaid(box, /^ota-supervisor\.service starts the daemon at boot$/)

  await box.does('systemctl', 'disable', 'ota-supervisor')
  await paste(await untilSaid(box, /is not started at boot$/))
  await untilSaid(box, /starts the daemon at boot$/)

  await box.does('systemctl', 'stop', 'ota-supervisor')
  await paste(await untilSaid(box, /is stopped$/))
  await untilSaid(box, /starts the daemon at boot$/)

  await box.does('systemctl', 'stop', 'ota-supervisor')
  const byHand = ['setpriv', '--reuid=7124', '--regid=7124', '--init-groups', ...supervisor]
  await box.does('sh', '-c', `${byHand.join(' ')} -C ${project} >/dev/null 2>&1 &`)
  await paste(await untilSaid(box, /^the daemon runs, but not as ota-supervisor\.service$/))
  await untilSaid(box, /starts the daemon at boot$/)
})
