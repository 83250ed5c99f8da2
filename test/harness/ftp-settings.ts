import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { placeOf } from './tools.ts'

/** The FTP servers that tests upload to. */
export type FtpServer = 'vsftpd' | 'proftpd' | 'pure-ftpd'

/** What a server is to be like. */
export type About = {
  /** An empty folder for its own files. */
  readonly home: string
  readonly port: number
  /** Where uploads go. */
  readonly root: string
  /** The user whose files they are, and whether everybody may write to them. */
  readonly uid: number
  readonly isOpen: boolean
}

/** How to start a server in the foreground, and who logs in, as in a URL (`name:password@`). */
export type Start = { readonly args: readonly string[]; readonly login: string }

/** Writes the settings of a server and tells how to start it. */
export const ftpSettings: Readonly<Record<FtpServer, (about: About) => Promise<Start>>> = {
  async vsftpd({ home, port, root, uid, isOpen }) {
    const empty = join(home, 'empty')
    await mkdir(empty)
    const config = join(home, 'vsftpd.conf')
    const settings = {
      listen: 'YES',
      listen_address: '127.0.0.1',
      listen_port: port,
      pasv_address: '127.0.0.1',
      background: 'NO',
      // No chroot and no change of user: it works for root and for everybody else alike.
      run_as_launching_user: 'YES',
      ftp_username: uid === process.getuid?.() ? userInfo().username : nameOf(uid),
      secure_chroot_dir: empty,
      anonymous_enable: 'YES',
      no_anon_password: 'YES',
      local_enable: 'NO',
      anon_root: root,
      anon_umask: isOpen ? '000' : '022',
      file_open_mode: '0666',
      anon_world_readable_only: 'NO',
      anon_upload_enable: 'YES',
      anon_mkdir_write_enable: 'YES',
      anon_other_write_enable: 'YES',
      write_enable: 'YES',
      connect_from_port_20: 'NO',
      xferlog_enable: 'NO',
      // Not every container lets a process have a sandbox of its own.
      seccomp_sandbox: 'NO',
      isolate: 'NO',
      isolate_network: 'NO',
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(config, lines.join(''))
    // It takes no settings file of another user.
    await chown(config, uid, uid)
    return { args: [config], login: '' }
  },

  async proftpd({ home, port, root, uid, isOpen }) {
    const users = join(home, 'users')
    await writeFile(users, `${name}:${hash}:${uid}:${uid}::${root}:/bin/sh\n`)
    await chmod(users, 0o600)
    await chown(users, uid, uid)
    const settings = {
      ServerType: 'standalone',
      DefaultAddress: '127.0.0.1',
      Port: port,
      UseIPv6: 'off',
      UseReverseDNS: 'off',
      User: nameOf(uid),
      AuthOrder: 'mod_auth_file.c',
      AuthPAM: 'off',
      AuthUserFile: users,
      RequireValidShell: 'off',
      RootLogin: 'on',
      Umask: isOpen ? '000' : '022',
      AllowOverwrite: 'on',
      AllowStoreRestart: 'on',
      DelayEngine: 'off',
      ControlsEngine: 'off',
      WtmpLog: 'off',
      TransferLog: 'none',
      SystemLog: 'none',
      ScoreboardFile: join(home, 'scoreboard'),
      PidFile: join(home, 'pid'),
    }
    const config = join(home, 'proftpd.conf')
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`)
    await writeFile(config, lines.join(''))
    await chown(home, uid, uid)
    return { args: ['-n', '-q', '-c', config], login: `${name}:${password}@` }
  },

  async 'pure-ftpd'({ home, port, root, uid, isOpen }) {
    const [list, users] = [join(home, 'list'), join(home, 'users')]
    // Nobody may upload as root.
    const who = uid === 0 ? 65_534 : uid
    if (uid === 0) await chmod(root, 0o777)
    await writeFile(list, `${name}:${hash}:${who}:${who}::${root}/./::::::::::::\n`)
    execFileSync(placeOf('pure-pw') ?? 'pure-pw', ['mkdb', users, '-f', list])
    const umask = isOpen ? '0:0' : '133:022'
    const args = ['-4', '-H', '-E', '-z', '-S', `127.0.0.1,${port}`, '-l', `puredb:${users}`]
    return {
      args: [...args, '-u', '1', '-U', umask, '-g', join(home, 'pid')],
      login: `${name}:${password}@`,
    }
  },
}

const name = 'uploader'
const password = 'anyone'
/** Of that password: crypt(5), of the kind that each of the servers knows. */
const hash = '$1$upload$Z8vKWS5vXrTurHXLPzMMs.'

function nameOf(uid: number): string {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const line = lines.find((text) => text.split(':')[2] === `${uid}`)
  if (line === undefined) throw new Error(`no user has the number ${uid}`)
  return line.split(':')[0] ?? ''
}
