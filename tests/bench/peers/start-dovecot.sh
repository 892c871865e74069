#!/bin/bash
# SPDX-License-Identifier: MIT
# start-dovecot.sh PORT MAIL [SETTINGS]: Debian's Dovecot in the strongest configuration that was found, for Maildirs MAIL/USER and
# one password ("pass"). Login processes serve any number of connections, one a core; pop3 processes serve up to 1000
# sessions and are used again, which works since all mail belongs to one system user. No delays and penalties, auth
# cache, no fsync, no flags written, sizes from the file names, no log of logins, no TLS. What is in the file SETTINGS, if there is
# one, counts before all that.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
[ $# = 2 ] || [ $# = 3 ] || die 'usage: PORT MAIL [SETTINGS]'
port=$1
root=$(cd "$2" && pwd) || exit 1
[ -x /usr/sbin/dovecot ] || die 'needs dovecot-core'
port_free "$port"
dir=$(peer_dir dovecot)
own_mail "$root"
uid=$(stat -c %u "$root")
gid=$(stat -c %g "$root")
cores=$(nproc)
mkdir "$dir/run" "$dir/index" "$dir/control" "$dir/state"
chown "$uid:$gid" "$dir/index" "$dir/control"
cat >"$dir/dovecot.conf" <<CONF
protocols = pop3
listen = 127.0.0.1
base_dir = $dir/run
state_dir = $dir/state
instance_name = bench-$port
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 20 M
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = static
  args = password=pass
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$root/%u
}
mail_location = maildir:$root/%u:INDEX=$dir/index/%u:CONTROL=$dir/control/%u
mail_fsync = never
maildir_very_dirty_syncs = yes
maildir_stat_dirs = no
mail_max_userip_connections = 0
protocol pop3 {
  pop3_no_flag_updates = yes
  pop3_fast_size_lookups = yes
  pop3_lock_session = no
}
log_path = $dir/log
info_log_path = /dev/null
auth_verbose = no
verbose_proctitle = no
default_client_limit = 12000
default_process_limit = 1000
default_vsz_limit = 1 G
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
  client_limit = 19000
}
service auth {
  client_limit = 19000
}
service log {
  client_limit = 19000
}
service stats {
  client_limit = 19000
}
service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = $port
  }
  inet_listener pop3s {
    port = 0
  }
  service_count = 0
  process_min_avail = $cores
  process_limit = $cores
  client_limit = 12000
}
service pop3 {
  service_count = 0
  process_min_avail = $cores
  client_limit = 1000
  process_limit = 64
}
CONF
[ $# = 2 ] || cat "$3" >>"$dir/dovecot.conf"
ulimit -n "$(ulimit -Hn)"
if [ -x /usr/lib/dovecot/pop3 ]; then
  launch /usr/sbin/dovecot -F -c "$dir/dovecot.conf"
else # the package with the POP3 part conflicts with other servers: unpacked, and shown to this server only
  debs=${PEER_DEBS:-$(peer_dir debs)}/dovecot
  unpack_deb "$debs" dovecot-pop3d
  # shellcheck disable=SC2016  # expanded by the inner shell
  launch unshare --mount sh -c 'mount --make-rprivate / &&
    mount -t overlay overlay -o "lowerdir=$1/usr/lib/dovecot:/usr/lib/dovecot" /usr/lib/dovecot &&
    exec /usr/sbin/dovecot -F -c "$2"' sh "$debs" "$dir/dovecot.conf"
fi
