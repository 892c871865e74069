#!/bin/sh
# SPDX-License-Identifier: MIT
# start-mailutils.sh PORT MBOXES CERTIFICATE KEY: GNU Mailutils' pop3d (Debian), with STLS, for mbox files MBOXES/USER
# and system accounts with the password "pass", unpacked into a private view of the machine's files. Needs root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../bench/peers/lib.sh"
start_in_view mailutils 'mailutils-pop3d mailutils-common' 'PORT MBOXES CERTIFICATE KEY' "$@"
system_accounts "$mail"
mail_at "$mail" /var/mail
mkdir -p "$view/run/lock/subsys/mail" "$view/etc/pop3d"
chmod 1777 "$view/run/lock/subsys/mail"
cp "$certificate" "$view/etc/pop3d/certificate.pem"
cp "$key" "$view/etc/pop3d/key.pem"
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
