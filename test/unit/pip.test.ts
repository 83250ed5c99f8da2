import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf, hintFor } from '../../src/python/pip.ts'

/** What pip 23 to 25, git 2.39 and ssh say, as it came. */
const network = [
  `WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/widget/
ERROR: Could not find a version that satisfies the requirement widget==1.0 (from versions: none)
ERROR: No matching distribution found for widget==1.0`,
  `ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='files', port=443): Max retries exceeded with url: /x (Caused by NameResolutionError("Failed to resolve 'files' ([Errno -3] Temporary failure in name resolution)"))`,
  `pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.`,
  `fatal: unable to access 'https://host/x/': Could not resolve host: host`,
  `ssh: connect to host x port 22: No route to host
fatal: Could not read from remote repository.`,
  `fatal: unable to access 'https://host/x/': Empty reply from server`,
  `fatal: unable to access 'https://host/x/': Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds`,
  `error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function.`,
  `kex_exchange_identification: Connection closed by remote host
Connection closed by 192.0.2.1 port 22
fatal: Could not read from remote repository.`,
  `ERROR: HTTP error 503 while getting https://host/x.whl`,
  `SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:992)'))`,
]

const others = [
  `ERROR: Could not find a version that satisfies the requirement widget==9 (from versions: 1.0)
ERROR: No matching distribution found for widget==9`,
  `fatal: repository 'https://host/x/' not found`,
  `ERROR: HTTP error 404 while getting https://host/x.whl`,
]

test('a network that is gone is told from a package that is not there', () => {
  for (const output of network) assert.equal(failureOf(output).means, 'network', output)
  for (const output of others) assert.equal(failureOf(output).means, 'nothing known', output)
})

test('a server that does not let git in is no network that is gone', () => {
  for (const [means, output] of [
    [
      'unknown server',
      'Host key verification failed.\nfatal: Could not read from remote repository.',
    ],
    ['no access', 'git@host: Permission denied (publickey).\nfatal: Could not read from remote'],
    ['no access', `fatal: could not read Username for 'https://host': terminal prompts disabled`],
    ['no access', `fatal: Authentication failed for 'https://host/x/'`],
    ['no git', 'ionice: failed to execute git: No such file or directory'],
    ['no git', `ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?`],
  ] as const) {
    assert.equal(failureOf(output).means, means, output)
    assert.ok(hintFor(means).hint !== undefined)
  }
})

test('a full disk and a missing compiler are known too', () => {
  const full =
    'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'
  assert.equal(failureOf(full).means, 'disk full')
  for (const output of [
    `error: command 'gcc' failed: No such file or directory`,
    `error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory`,
    'src/x.c:1:10: fatal error: Python.h: No such file or directory',
    "unable to execute 'gcc': No such file or directory",
  ]) {
    assert.equal(failureOf(output).means, 'no compiler', output)
  }
})

test('the last words are kept, without what tells nothing, and not without end', () => {
  const { lines } = failureOf(`${'x\n'.repeat(50)}${network[0]}\n\n[notice] A new release of pip\n`)
  assert.match(lines, /No matching distribution found for widget==1\.0$/)
  assert.doesNotMatch(lines, /Retrying|notice/)
  assert.ok(lines.split('\n').length <= 20)
  assert.ok(failureOf('y'.repeat(100_000)).lines.length <= 300)
})
