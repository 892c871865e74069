#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what pop3d needs (Debian), builds it, and becomes it:
#
#   sh examples/run.sh [pop3d arguments]      without arguments: a demo
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
build=$here/build-examples

say() { printf '%s\n' "run.sh: $*" >&2; }

missing() {
  for package in g++ meson ninja-build pkg-config libboost-dev libboost-program-options-dev libssl-dev \
    libcrypt-dev libsodium-dev libidn-dev nlohmann-json3-dev; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

install_packages() {
  if [ "$(id -u)" = 0 ]; then as_root=
  elif command -v sudo >/dev/null; then as_root=sudo
  else
    say "please install: $*"
    exit 1
  fi
  say "installing $*"
  $as_root apt-get update -q >&2
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

if command -v dpkg-query >/dev/null; then
  packages=$(missing)
  # shellcheck disable=SC2086  # the names are words
  [ -z "$packages" ] || install_packages $packages
fi
if [ ! -f "$build/build.ninja" ]; then
  say 'configuring'
  CXX=${CXX:-g++} meson setup "$build" "$here" --buildtype=release -Doptimization=2 \
    -Dtests=disabled -Dfuzz=disabled -Dexamples=enabled >&2
fi
ninja -C "$build" examples/pop3d >&2
exec "$build/examples/pop3d" "$@"
