#!/bin/sh
# launch NODE ARGUMENTS...: becomes the version of ota-supervisor that `current` leads to.
#
# `ota-supervisor service install` puts it here, and no update ever changes it: whatever a new version does wrong,
# this counts its starts and goes back to the one before. What the files beside it mean: src/self/records.ts.

most=2
home=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
[ $# -gt 0 ] || { echo 'usage: launch NODE ARGUMENTS...' >&2; exit 2; }
node=$1
shift

is_whole() {
  case $1 in '' | */* | .*) return 1 ;; esac
  [ -f "$home/releases/$1/dist/supervisor.js" ]
}

# Old or new, and whole, whenever the power goes.
write() {
  printf '%s\n' "$2" >"$home/$1.new" && sync "$home/$1.new" && mv -fT "$home/$1.new" "$home/$1" && sync "$home"
}

# Each step can be repeated, and the old version is started even if none of them can be done (a full disk).
go_back() {
  echo "ota-supervisor: $new $1: back to $old" >&2
  printf '%s %s %s\n' "$new" "$(date +%s)" "$1" >>"$home/failed" && sync "$home/failed"
  rm -f "$home/current.new"
  ln -s "releases/$old" "$home/current.new" && mv -fT "$home/current.new" "$home/current" && sync "$home" &&
    rm -f "$home/pending" "$home/tries" && sync "$home"
  version=$old
}

version=$(readlink "$home/current")
version=${version#releases/}
new='' old=''
[ -f "$home/pending" ] && { read -r new && read -r old; } <"$home/pending"

if [ -n "$new" ] && [ "$new" = "$version" ] && is_whole "$old"; then
  tries=''
  [ -f "$home/tries" ] && read -r tries <"$home/tries"
  case $tries in '' | *[!0-9]* | ?????*) tries=0 ;; esac
  if ! is_whole "$new"; then
    go_back 'is not there any more'
  elif [ "$tries" -ge "$most" ]; then
    go_back "did not stay up, in $most starts"
  elif ! write tries $((tries + 1)); then
    go_back 'could not be counted'
  fi
fi

# Somebody has removed it: better another one than none.
if ! is_whole "$version"; then
  for name in "$old" $(ls -t "$home/releases"); do
    if is_whole "$name"; then
      echo "ota-supervisor: '$version' is not there; $name is started" >&2
      version=$name
      break
    fi
  done
fi
is_whole "$version" || { echo "ota-supervisor: there is no version in $home/releases" >&2; exit 1; }

# exec keeps the number: so it is known whom this is meant for.
OTA_SUPERVISOR_LAUNCHED=$$
export OTA_SUPERVISOR_LAUNCHED
exec "$node" "$home/releases/$version/dist/supervisor.js" "$@"
