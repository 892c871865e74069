#!/bin/sh
# SPDX-License-Identifier: MIT
# start-popa3d.sh PORT MBOXES: Openwall's popa3d (Debian), unpacked into a private view of the machine's files. It knows
# mbox files (MBOXES/USER) and system accounts only.
# Its own daemon cannot be bound to loopback, so ucspi-tcp's tcpserver runs it, a process for each connection. Needs
# root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
if [ "$1" != inner ]; then
  [ $# = 2 ] || die 'usage: PORT MBOXES'
  root=$(cd "$2" && pwd) || exit 1
  port_free "$1"
  dir=$(peer_dir popa3d)
  debs=${PEER_DEBS:-$(peer_dir debs)}/popa3d
  unpack_deb "$debs" popa3d ucspi-tcp
  own_mail "$root"
  setsid unshare --mount "$0" inner "$dir" "$1" "$debs" "$root" >"$dir/out" 2>&1 </dev/null &
  pid=$!
  wait_port "$1" $pid "$dir/out"
  echo "pid=$pid dir=$dir"
  exit 0
fi
dir=$2 port=$3 debs=$4 mail=$5
private_view "$dir" "$debs"
system_accounts "$mail"
echo 'popa3d:x:110:65534::/var/lib/popa3d:/bin/false' >>"$view/etc/passwd"
mkdir -p "$view/var/lib/popa3d"
mail_at "$mail" /var/mail
exec chroot "$view" /usr/bin/tcpserver -HR -l0 -c 400 -b 400 127.0.0.1 "$port" /usr/sbin/popa3d
