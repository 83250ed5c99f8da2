import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drop } from '../harness/deposit.ts'
import { environmentsOf, makeProgram, startWithIndex, widgetProgram } from '../harness/packages.ts'
import { serveIndex } from '../harness/wheels.ts'

test('a release brings its packages, and its roll-back those of the old program', async (t) => {
  const index = await serveIndex(t, [
    { name: 'widget', version: '1.0', requires: ['gadget>=2'] },
    { name: 'widget', version: '2.0' },
    { name: 'gadget', version: '2.1' },
  ])
  const dir = await makeProgram(t, { 'main.py': 'import time\nwhile True: time.sleep(0.2)\n' })
  const daemon = await startWithIndex(t, dir, index.url)
  drop(daemon, { 'main.py': widgetProgram, gupfile: 'widget,1.0' })
  await daemon.says(
    /r1: installing the packages of gupfile beside the running program: widget 1\.0/,
  )
  await daemon.says(/r1: 2 packages installed in/)
  await daemon.says(/r1 out +widget 1\.0 in .*environments/)
  await daemon.says(/r1: committed/)
  drop(daemon, {
    gupfile: 'widget,v2.0\r\n',
    'main.py': 'import widget\nprint("has", widget.VERSION)\nraise SystemExit(3)\n',
  })
  await daemon.says(/r2 out +has 2\.0/)
  await daemon.says(/r1 out +widget 1\.0 in/)
  await daemon.says(/r2: rolled back/)
  assert.deepEqual(
    environmentsOf(dir)
      .map(({ packages }) => packages.join())
      .sort(),
    ['gadget 2.1,widget 1.0', 'widget 2.0'],
  )
})
