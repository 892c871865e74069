#!/bin/sh
# SPDX-License-Identifier: MIT
# start-mailutils.sh PORT MBOXES CERTIFICATE KEY: GNU Mailutils' pop3d (Debian), with STLS, for mbox files MBOXES/USER
# and system accounts with the password "pass", unpacked into a private view of the machine's files. Needs root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../bench/peers/lib.sh"
if [ "$1" != inner ]; then
  [ $# = 4 ] || die 'usage: PORT MBOXES CERTIFICATE KEY'
  mail=$(cd "$2" && pwd) || exit 1
  port_free "$1"
  dir=$(peer_dir mailutils)
  debs=${PEER_DEBS:-$(peer_dir debs)}/mailutils
  unpack_deb "$debs" mailutils-pop3d mailutils-common
  own_mail "$mail"
  cp "$3" "$dir/certificate.pem"
  cp "$4" "$dir/key.pem"
  setsid unshare --mount "$0" inner "$dir" "$1" "$debs" "$mail" >"$dir/out" 2>&1 </dev/null &
  pid=$!
  wait_port "$1" $pid "$dir/out"
  echo "pid=$pid dir=$dir"
  exit 0
fi
dir=$2 port=$3 debs=$4 mail=$5
private_view "$dir" "$debs"
system_accounts "$mail"
mail_at "$mail" /var/mail
mkdir -p "$view/run/lock/subsys/mail" "$view/etc/pop3d"
chmod 1777 "$view/run/lock/subsys/mail"
cp "$dir/certificate.pem" "$dir/key.pem" "$view/etc/pop3d"
chmod 600 "$view/etc/pop3d/key.pem"
cat >"$view/etc/pop3d.conf" <<CONF
mode daemon;
max-children 40;
pidfile /run/mailutils-pop3d.pid;
logging { syslog no; }
tls-mode ondemand;
tls {
  ssl-certificate-file /etc/pop3d/certificate.pem;
  ssl-key-file /etc/pop3d/key.pem;
}
server 127.0.0.1:$port {
  transcript no;
}
auth {
  authentication "generic:system";
  authorization "system";
}
CONF
exec chroot "$view" /usr/sbin/pop3d --foreground --config-file=/etc/pop3d.conf
