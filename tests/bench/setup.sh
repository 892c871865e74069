# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For compare.sh and growth.sh, which source it: what is needed, a folder to work in, programs, servers that end with
# the script. Uses $here, $root, $keep and $pop3d.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

install_missing() { # PACKAGE...
  local package missing=() as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  for package in "$@"; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) missing+=("$package") ;;
    esac
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q >&2 || die 'apt-get update failed'
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
    die "please install ${missing[*]}"
}
needed=(g++ meson ninja-build pkg-config python3 openssl procps strace util-linux libboost-dev libboost-program-options-dev libssl-dev
  libcrypt-dev libsodium-dev libidn-dev nlohmann-json3-dev)

# pop3d holds two descriptors for a session: its socket and the maildrop that it has locked.
most_sessions=$((($(ulimit -Hn) - 1000) / 2)) # of a process
at_most() { # SESSIONS [PROCESSES]: or as many as there are descriptors for
  local most=$((most_sessions * ${2:-1}))
  if [ "$1" -gt $most ]; then
    say "$most sessions instead of $1: the limit of descriptors is $(ulimit -Hn)"
    echo $most
  else
    echo "$1"
  fi
}

work=$(mktemp -d "${TMPDIR:-/tmp}/${0##*/}.XXXXXX") || exit 1
chmod 755 "$work"
export TMPDIR=$work # where peers/ keep their folders
export PEER_DEBS="${PEER_DEBS:-$work/debs}" # what peers/ unpacks; keep it in a folder that nobody else can write to
export PEER_LIST=$work/peers # all that run: one that was interrupted while it started is not in pid
: >"$PEER_LIST"
declare -A pid dir
stop() { # NAME
  [ -n "${pid[$1]:-}" ] && "$here/peers/stop.sh" "${pid[$1]}" "${dir[$1]}" && sed -i "/^${pid[$1]} /d" "$PEER_LIST"
  unset "pid[$1]" "dir[$1]"
}
finish() {
  trap '' HUP INT TERM
  local running folder job
  for job in $(jobs -p); do kill "$job" 2>/dev/null; done
  while read -r running folder; do "$here/peers/stop.sh" "$running" "$folder"; done <"$PEER_LIST"
  if [ "$keep" = 1 ]; then say "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'exit 130' HUP INT TERM
started() { # NAME LINE: what a start-*.sh printed
  local line=${2##*pid=}
  [ "$line" != "$2" ] || die "$1 did not start"
  pid[$1]=${line%% *}
  dir[$1]=${2##*dir=}
}

build_pop3d() { # unless --pop3d named one
  [ -z "$pop3d" ] || return 0
  local build=${BENCH_BUILD:-$root/build-bench}
  [ -f "$build/build.ninja" ] || CXX=${CXX:-g++} meson setup "$build" "$root" --buildtype=release -Doptimization=2 \
    -Dtests=disabled -Dfuzz=disabled -Dexamples=enabled >"$work/build.log" 2>&1 || die "$(tail "$work/build.log")"
  ninja -C "$build" examples/pop3d >>"$work/build.log" 2>&1 || die "$(tail "$work/build.log")"
  pop3d=$build/examples/pop3d
}
build_ours() {
  local flags=(-std=c++17 -O2 -DNDEBUG -I "$root/include")
  "${CXX:-g++}" "${flags[@]}" -DWITH_TLS -o "$work/load" "$here"/load/*.cpp -lssl -lcrypto &&
    "${CXX:-g++}" "${flags[@]}" -o "$work/null" "$here/null.cpp" &&
    "${CXX:-g++}" "${flags[@]}" -o "$work/epoll_maildir" "$here/servers/epoll_maildir.cpp" || die 'the build failed'
}
make_users() { # MAILROOT: all have the password "pass"; and a certificate
  local folder
  for folder in "$1"/*; do echo "${folder##*/}:{PLAIN}pass"; done >"$work/users"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || die 'no certificate'
}
start_pop3d() { # NAME PORT TLSPORT MAILROOT
  started "$1" "$("$here/peers/start-program.sh" "$1" "$2" "$pop3d" --listen "127.0.0.1:$2" --listen-tls "127.0.0.1:$3" \
    --mail "$4" --users "$work/users" --allow-plaintext --cert "$work/cert.pem" --key "$work/key.pem" \
    --workers "${workers:-1}" --max-connections 20000 --max-connections-per-address 0 --max-connections-per-user 0 \
    --failed-logins-per-address 0 --log-level warning)"
}
