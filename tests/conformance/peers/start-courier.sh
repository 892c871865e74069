#!/bin/sh
# SPDX-License-Identifier: MIT
# start-courier.sh PORT MAIL CERTIFICATE: Courier's POP3 server (Debian), with STLS, for Maildirs MAIL/USER and the
# password "pass", unpacked into a private view of the machine's files. Needs root.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../bench/peers/lib.sh"
start_in_view courier 'courier-pop courier-base courier-authdaemon courier-authlib courier-authlib-userdb' \
  'PORT MAIL CERTIFICATE' "$@"
mail_at "$mail" /mail
echo 'courier:x:111:111::/etc/courier:/bin/false' >>"$view/etc/passwd"
echo 'courier:x:111:' >>"$view/etc/group"
cp "$certificate" "$view/etc/courier/pop3d.pem"
chmod 644 "$view/etc/courier/pop3d.pem"
uid=$(stat -c %u "$mail") gid=$(stat -c %g "$mail")
hash=$(perl -e 'print crypt("pass", "ab")')
for path in "$mail"/*; do
  user=${path##*/}
  printf '%s\tuid=%s|gid=%s|home=/mail/%s|mail=/mail/%s|systempw=%s\n' \
    "$user" "$uid" "$gid" "$user" "$user" "$hash" >>"$view/etc/courier/userdb"
done
chmod 600 "$view/etc/courier/userdb"
mkdir -p "$view/run/courier/authdaemon"
sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' "$view/etc/courier/authdaemonrc"
cat >"$view/courier" <<RUN
#!/bin/sh
/usr/sbin/makeuserdb || exit 1
LD_LIBRARY_PATH=/usr/lib/courier-authlib /usr/lib/courier/courier-authlib/authdaemond &
sleep 1
set -a
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
POP3_STARTTLS=YES TLS_CERTFILE=/etc/courier/pop3d.pem TLS_DHPARAMS= TLS_CACHEFILE= TLS_TRUSTCERTS=
PROTOCOL=POP3 POP3_PROXY=0
LD_LIBRARY_PATH=/usr/lib/courier-authlib
exec /usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs=40 -maxperip=40 -nodnslookup -noidentlookup $port \
  /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir
RUN
chmod 755 "$view/courier"
exec chroot "$view" /courier
