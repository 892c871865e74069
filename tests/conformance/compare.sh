#!/bin/bash
# SPDX-License-Identifier: MIT
# What POP3 servers make of the RFCs, side by side: pop3d, and from Debian 12 Dovecot, Courier, Mailutils, popa3d and
# Solid POP3, as they are set up there, with the same messages each in its kind of maildrop, on loopback. Works from a
# plain clone, as root: gets what is missing, builds pop3d, starts all, runs conformance.py against each, stops all. The
# servers are not installed, but for dovecot-core and libraries: they are unpacked, and see each other's files no more
# than the machine sees theirs.
#
#   bash tests/conformance/compare.sh [options]      prints Markdown: the text of tests/conformance/results.md
#
#   --servers LIST   of pop3d,dovecot,courier,mailutils,popa3d,solid (all)
#   --slow           also what takes ten minutes
#   --short          the summary and the most telling rows only: what README.md has
#   --pop3d FILE     this one instead of building it
#   --json FOLDER    the results of each server, as conformance.py --json prints them
#   --keep           leave the folder with the maildrops
set -u
own=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$own/../.." && pwd)
here=$root/tests/bench # whose setup.sh and peers/ these are
servers=pop3d,dovecot,courier,mailutils,popa3d,solid
port=20210 pop3d='' json='' keep=0 short='' slow=''
values='--servers --pop3d --json'
flag() {
  case $1 in
    --keep) keep=1 ;;
    --short) short=--short ;;
    --slow) slow=--slow ;;
    *) return 1 ;;
  esac
}
. "$here/options.sh"

. "$here/setup.sh"

[ "$(id -u)" = 0 ] || die 'needs root (mount namespaces, files of other owners)'
case ,$servers, in *,dovecot,*) needed+=(dovecot-core) ;; esac
case ,$servers, in *,courier,*) needed+=(libcourier-unicode4 libltdl7 libgamin0 libidn12 gnutls-bin) ;; esac
case ,$servers, in *,mailutils,*) needed+=(libmailutils9 libmu-dbm9) ;; esac
case ,$servers, in *,solid,*) needed+=(liblockfile1) ;; esac
install_missing "${needed[@]}"
case ,$servers, in *,pop3d,*) build_pop3d ;; esac
json=${json:-$work/json}
mkdir -p "$json" "$work/mail"

version_of() { # PACKAGE: the one that Debian has
  echo "$1 $(apt-cache policy "$1" | sed -n 's/^ *Candidate: *//p')"
}
make_maildrop() { # SERVER KIND
  mkdir -p "$work/mail/$1"
  if [ "$2" = mbox ]; then : >"$work/mail/$1/ann"; else mkdir -p "$work/mail/$1"/ann/{new,cur,tmp}; fi
}
make_users "$work/mail" # a certificate
echo 'ann:{PLAIN}pass' >"$work/users"
cat "$work/cert.pem" "$work/key.pem" >"$work/both.pem"
chmod 644 "$work"/*.pem

# Debian's defaults, but for what a server needs to be tried without TLS.
cat >"$work/dovecot.conf" <<CONF
ssl = yes
ssl_cert = <$work/cert.pem
ssl_key = <$work/key.pem
auth_mechanisms = plain login apop cram-md5 scram-sha-1 scram-sha-256
protocol pop3 {
  pop3_fast_size_lookups = no
}
CONF

names=() checks=()
for name in ${servers//,/ }; do
  port=$((port + 1))
  mail=$work/mail/$name kind=maildir
  case $name in mailutils | popa3d) kind=mbox ;; esac
  make_maildrop "$name" $kind
  say "$name at port $port"
  case $name in
    pop3d)
      started pop3d "$("$here/peers/start-program.sh" pop3d $port "$pop3d" --listen "127.0.0.1:$port" --mail "$mail" \
        --users "$work/users" --allow-plaintext --cert "$work/cert.pem" --key "$work/key.pem" --apop --utf8 \
        --failed-logins-per-address 0 --max-connections-per-address 0 --log-level warning)"
      version=$("$pop3d" --version | head -1)
      ;;
    dovecot)
      started dovecot "$("$here/peers/start-dovecot.sh" $port "$mail" "$work/dovecot.conf")"
      version=$(version_of dovecot-pop3d)
      ;;
    courier)
      started courier "$("$own/peers/start-courier.sh" $port "$mail" "$work/both.pem")"
      version=$(version_of courier-pop)
      ;;
    mailutils)
      started mailutils "$("$own/peers/start-mailutils.sh" $port "$mail" "$work/cert.pem" "$work/key.pem")"
      version=$(version_of mailutils-pop3d)
      ;;
    popa3d)
      started popa3d "$("$here/peers/start-popa3d.sh" $port "$mail")"
      version=$(version_of popa3d)
      ;;
    solid)
      started solid "$("$own/peers/start-solid.sh" $port "$mail")"
      version=$(version_of solid-pop3d)
      ;;
    *) die "unknown server $name" ;;
  esac
  echo "$name|$version|$kind" >>"$work/servers"
  names+=("$name")
  # They mostly wait: for servers that let a wrong password wait.
  # shellcheck disable=SC2086 # $slow is to vanish
  timeout 1800 python3 "$own/conformance.py" --port $port --user ann --password pass "--$kind" "$mail/ann" --timeout 20 \
    $slow --json >"$json/$name.json" 2>"$work/$name.err" &
  checks+=($!)
done
status=0 broken=0
for i in "${!names[@]}"; do
  wait "${checks[$i]}"
  code=$?
  [ $code -le 1 ] || { say "${names[$i]}: $(cat "$work/${names[$i]}.err")"; status=1; }
  [ $code = 0 ] || [ "${names[$i]}" != pop3d ] || broken=1
done
[ $status = 0 ] && python3 "$own/table.py" "$work/servers" "$json" $short && [ $broken = 0 ]
