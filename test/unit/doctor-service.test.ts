import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeInstall } from '../../src/doctor/self-update.ts'
import { judgeService, type Service } from '../../src/doctor/service.ts'
import { installAt } from '../../src/self/install.ts'
import { somePatient, users } from '../harness/patient.ts'

const asPi = somePatient({ self: users.pi, daemons: [812] })

const well: Service = {
  scope: 'system',
  unit: 'ota-supervisor.service',
  isEnabled: true,
  hasDaemon: true,
  lingers: false,
}

function fixOf(odd: Partial<Service>, patient = asPi): (string | undefined)[] {
  const { state, fix } = judgeService({ ...well, ...odd }, patient)
  return [state, fix]
}

test('the daemon comes back after a reboot when a service has it', () => {
  assert.deepEqual(fixOf({}), ['ok', undefined])
  const { state, fix } = judgeService(null, asPi)
  assert.equal(state, 'warning')
  assert.match(fix ?? '', /^sudo \S+ \S+ service install -C \/srv\/ota$/)
})

test('a service that is not enabled, is stopped, or has not got the daemon', () => {
  const unit = 'ota-supervisor.service'
  assert.deepEqual(fixOf({ isEnabled: false, hasDaemon: false }), [
    'warning',
    `sudo systemctl enable --now ${unit}`,
  ])
  const idle = somePatient({ self: users.pi })
  assert.deepEqual(fixOf({ hasDaemon: false }, idle), ['warning', `sudo systemctl start ${unit}`])
  assert.deepEqual(fixOf({ hasDaemon: false }), [
    'warning',
    `sudo kill 812 && sudo systemctl restart ${unit}`,
  ])
})

test('a service of a user’s own ends with his session, unless he lingers', () => {
  assert.deepEqual(fixOf({ scope: 'user', lingers: true }), ['ok', undefined])
  assert.deepEqual(fixOf({ scope: 'user' }), ['warning', 'sudo loginctl enable-linger ota'])
  assert.deepEqual(fixOf({ scope: 'user', isEnabled: false }), [
    'warning',
    'systemctl --user enable --now ota-supervisor.service',
  ])
})

test('whether newer versions of ota-supervisor can be installed', () => {
  const withMode = (mode: 'notify' | 'auto') => ({
    ...asPi,
    hasSystemd: true,
    config: { ...asPi.config, selfUpdate: { ...asPi.config.selfUpdate, mode } },
  })
  const install = installAt('/var/lib/ota-supervisor')
  assert.equal(judgeInstall(null, null, withMode('notify')).state, 'ok')
  const without = judgeInstall(null, null, withMode('auto'))
  assert.equal(without.state, 'warning')
  assert.match(without.fix ?? '', /service install -C \/srv\/ota$/)
  assert.equal(judgeInstall(install, null, withMode('auto')).state, 'ok')
  const open = judgeInstall(install, '/var/lib/ota-supervisor/releases', withMode('auto'))
  assert.deepEqual(
    [open.state, open.fix],
    ['error', 'sudo chmod go-w /var/lib/ota-supervisor/releases'],
  )
})
