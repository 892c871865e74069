# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For the start-*.sh scripts, which source it. Each takes PORT MAIL [...], listens on 127.0.0.1 only, keeps what it
# writes in a temporary folder, waits until the server accepts, and prints "pid=PID dir=FOLDER". stop.sh ends it. Where
# PEER_LIST names a file, "PID FOLDER" is added to it before the server does anything, so that whoever is interrupted
# while it starts can end it, too.

die() {
  echo "$0: $*" >&2
  exit 1
}

peer_dir() { # NAME: a fresh folder that servers with several users may enter
  dir=$(mktemp -d "${TMPDIR:-/tmp}/peer-$1.XXXXXX") || exit 1
  chmod 755 "$dir"
  echo "$dir"
}

accepts() { # PORT
  python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()' "$1" 2>/dev/null
}

port_free() { # PORT
  if accepts "$1"; then die "port $1 is taken"; fi
}

wait_port() { # PORT PID LOG: until it accepts, 30 s at most
  i=0
  while [ $i -lt 150 ]; do
    accepts "$1" && return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.2
    i=$((i + 1))
  done
  tail -20 "$3" >&2
  return 1
}

# Every server begins a process group, which its helpers belong to as well.
end_group() { # PID: TERM, and KILL for who is left after 5 s
  kill -TERM -"$1" 2>/dev/null
  i=0
  while kill -0 -"$1" 2>/dev/null && [ $i -lt 50 ]; do
    sleep 0.1
    i=$((i + 1))
  done
  kill -KILL -"$1" 2>/dev/null
}
launch() { # COMMAND...: what is to accept at $port, and writes to $dir
  pid=
  trap 'if [ -n "$pid" ]; then end_group "$pid"; fi; exit 130' HUP INT TERM
  setsid "$@" >"$dir/out" 2>&1 </dev/null &
  pid=$!
  if [ -n "${PEER_LIST:-}" ]; then echo "$pid $dir" >>"$PEER_LIST"; fi
  wait_port "$port" $pid "$dir/out" || {
    end_group $pid
    die "nothing accepts at port $port"
  }
  echo "pid=$pid dir=$dir"
}

# POP3 servers of Debian conflict with each other: they are unpacked side by side instead of installed.
unpack_deb() { # FOLDER PACKAGE...
  debs=$1
  shift
  mkdir -p "$debs"
  for package in "$@"; do
    [ -e "$debs/.deb-$package" ] && continue
    (cd "$debs" && apt-get download -q "$package" >/dev/null 2>&1 && dpkg -x "$package"_*.deb . &&
      rm -f "$package"_*.deb && touch ".deb-$package") || die "cannot get Debian's $package"
  done
}

own_mail() { # ROOT: servers that serve a maildrop as its owner refuse root, so root's mail becomes nobody's
  if [ "$(stat -c %u "$1")" = 0 ]; then chown -R 65534:65534 "$1"; fi
  chmod 755 "$1"
}

# Within "unshare --mount": a view of the machine's files at DIR/ns/root, called $view, with what was unpacked laid over
# them. What is written there is in memory, and gone with the server.
private_view() { # DIR DEBS
  mount --make-rprivate /
  mkdir "$1/ns"
  mount -t tmpfs -o mode=755 tmpfs "$1/ns"
  mkdir "$1/ns/up" "$1/ns/work" "$1/ns/root"
  view=$1/ns/root
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/ns/up,workdir=$1/ns/work" "$view" || die 'no overlay file system'
  tar -C "$2" --exclude='./.deb-*' -c . | tar -C "$view" --keep-directory-symlink -x
  mount --rbind /proc "$view/proc"
  mount --rbind /dev "$view/dev"
}

# start_in_view NAME PACKAGES USAGE "$@": for servers that are unpacked. The script runs twice: at first this starts it
# again, within "unshare --mount", and exits; then it returns, with $view, $port, $mail, $certificate and $key, and what
# follows in the script sets the server up in that view and becomes it.
start_in_view() {
  name=$1 packages=$2 usage=$3
  shift 3
  if [ "${1-}" = inner ]; then
    port=$4 mail=$5 certificate=${6-} key=${7-}
    private_view "$2" "$3"
    return
  fi
  [ $# = "$(echo "$usage" | wc -w)" ] || die "usage: $usage"
  port=$1
  mail=$(cd "$2" && pwd) || exit 1
  shift 2
  port_free "$port"
  dir=$(peer_dir "$name")
  debs=${PEER_DEBS:-$(peer_dir debs)}/$name
  # shellcheck disable=SC2086 # the names are to be split
  unpack_deb "$debs" $packages
  own_mail "$mail"
  launch unshare --mount "$0" inner "$dir" "$debs" "$port" "$mail" "$@"
  exit 0
}

# In that view: a system account for each entry of MAIL, which owns all of it; the hash is cheap, so that hashing is not
# what is measured.
system_accounts() { # MAIL
  owner=$(stat -c %u:%g "$1")
  hash=$(perl -e 'print crypt("pass", "ab")')
  for path in "$1"/*; do
    user=${path##*/}
    echo "$user:x:$owner::/:/bin/sh" >>"$view/etc/passwd"
    echo "$user:$hash:19000:0:99999:7:::" >>"$view/etc/shadow"
  done
}
mail_at() { # MAIL PATH: where the view shows it
  rm -rf "${view:?}$2"
  mkdir -p "$view$2"
  mount --bind "$1" "$view$2"
}
