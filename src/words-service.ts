import { shown } from './phrases.ts'

/** What the verb `service` says, and what is said of systemd's unit. */
export const serviceWords = {
  noSystemd: 'this machine was not started by systemd',
  noSystemdHint:
    'start the daemon in the way this machine starts its services. The unit that would be installed: ota-supervisor service print',
  unknownServiceAction: (action: string) => `service ${action}: it is install, uninstall or print`,
  badServiceName: (name: string) =>
    `${shown(name)} is not a name for a service: letters, digits and . _ - only, and a letter or digit first`,
  runAsWithUser: '--run-as is for a service of the system: one with --user runs as its own user',
  userAsRoot: 'a service with --user belongs to the user who installs it: leave out sudo',
  needsRoot: 'only root may install or remove a service of the system',
  needsRootHint: (commandLine: string) => `${commandLine}\nor one for this user alone, with --user`,
  noSuchUser: (name: string) => `there is no user ${shown(name)} on this machine`,
  noSuchFolder: (path: string) => `there is no folder ${shown(path)}`,
  notInUnit: (path: string) =>
    `${shown(path)} cannot be written into a unit: it has characters that systemd does not take there`,
  notInUnitHint:
    'rename it, without control characters; that of Node also without quotes or backslash',
  foreignUnit: (path: string) => `${path} is there, and ota-supervisor service has not written it`,
  foreignUnitHint: (path: string) =>
    `look at it: cat ${path}\nremove it if it is not needed, or choose another name with --name`,
  otherUnit: (path: string, project: string) => `${path} is there, for ${shown(project)}`,
  otherUnitHint: 'choose another name for the service of this directory, with --name',
  runsAsRoot: (project: string) =>
    `the service runs as root, and so does every upload: ${shown(project)} belongs to root. Better: sudo useradd ota, sudo chown -R ota: ${shown(project)}, then install it again`,
  nodeMoves: (node: string) =>
    `${shown(node)} is a place that changes when Node is updated; the service does not start then. Install Node for the whole machine, or the service again after each update`,
  serviceFailed: (step: string, said: string) => `systemctl ${step} failed:\n${said}`,
  serviceFailedHint: (show: string) => `all it said: ${show}`,
  noUserSystemd: 'log in as this user directly (ssh, not su or sudo), where systemctl --user works',
  serviceInstalled: (about: { service: string; path: string; status: string; log: string }) =>
    [
      `${about.service} is active, now and after every boot (${about.path})`,
      `look at it: ${about.status}`,
      `its log:    ${about.log}`,
    ].join('\n'),
  serviceRemoved: (service: string, path: string) =>
    `${service} is stopped and removed (${path}); the project is as it was`,
  serviceNotThere: (service: string, path: string) => `there is no ${service} (${path})`,
  linger: (user: string) =>
    `it ends when ${user} logs out, and starts when ${user} logs in. To have it run from boot on: sudo loginctl enable-linger ${user}`,
}
