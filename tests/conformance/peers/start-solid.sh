#!/bin/sh
# SPDX-License-Identifier: MIT
# start-solid.sh PORT MAIL: Solid POP3 (Debian) for Maildirs MAIL/USER and system accounts with the password "pass",
# unpacked into a private view of the machine's files; tcpserver runs it, a process for each connection. Needs root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../bench/peers/lib.sh"
if [ "$1" != inner ]; then
  [ $# = 2 ] || die 'usage: PORT MAIL'
  mail=$(cd "$2" && pwd) || exit 1
  port_free "$1"
  dir=$(peer_dir solid)
  debs=${PEER_DEBS:-$(peer_dir debs)}/solid
  unpack_deb "$debs" solid-pop3d ucspi-tcp
  own_mail "$mail"
  setsid unshare --mount "$0" inner "$dir" "$1" "$debs" "$mail" >"$dir/out" 2>&1 </dev/null &
  pid=$!
  wait_port "$1" $pid "$dir/out"
  echo "pid=$pid dir=$dir"
  exit 0
fi
dir=$2 port=$3 debs=$4 mail=$5
private_view "$dir" "$debs"
system_accounts "$mail"
mail_at "$mail" /mail
echo 'spop3d:x:112:65534::/var/lib/solid-pop3d:/bin/false' >>"$view/etc/passwd"
cat >"$view/etc/spop3d.conf" <<CONF
<Global>
  MailDropName "/mail/%s"
  MailDropType maildir
  LogStatistics no
</Global>
CONF
exec chroot "$view" /usr/bin/tcpserver -HR -l0 -c 40 127.0.0.1 "$port" /usr/sbin/solid-pop3d
