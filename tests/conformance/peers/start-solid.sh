#!/bin/sh
# SPDX-License-Identifier: MIT
# start-solid.sh PORT MAIL: Solid POP3 (Debian) for Maildirs MAIL/USER and system accounts with the password "pass",
# unpacked into a private view of the machine's files; tcpserver runs it, a process for each connection. Needs root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../bench/peers/lib.sh"
start_in_view solid 'solid-pop3d ucspi-tcp' 'PORT MAIL' "$@"
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
