#!/bin/sh
# SPDX-License-Identifier: MIT
# start-popa3d.sh PORT MBOXES: Openwall's popa3d (Debian), unpacked into a private view of the machine's files. It knows
# mbox files (MBOXES/USER) and system accounts only.
# Its own daemon cannot be bound to loopback, so ucspi-tcp's tcpserver runs it, a process for each connection. Needs
# root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
start_in_view popa3d 'popa3d ucspi-tcp' 'PORT MBOXES' "$@"
system_accounts "$mail"
echo 'popa3d:x:110:65534::/var/lib/popa3d:/bin/false' >>"$view/etc/passwd"
mkdir -p "$view/var/lib/popa3d"
mail_at "$mail" /var/mail
exec chroot "$view" /usr/bin/tcpserver -HR -l0 -c 400 -b 400 127.0.0.1 "$port" /usr/sbin/popa3d
