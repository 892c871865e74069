#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds everything and runs every test, from a bare Debian 12 on. The last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/.." || exit 1

build=build-tests
packages='g++ meson ninja-build pkg-config doctest-dev libboost-dev libboost-program-options-dev libssl-dev curl python3'

# Installs what is missing, and only that. Elsewhere than on Debian the tools have to be there.
install() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
  missing=
  for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ -n "$missing" ] || return 0
  echo "Installing$missing"
  root=
  if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    command -v sudo >/dev/null || { echo 'Neither root nor sudo: please install them yourself.' >&2; return 1; }
  fi
  # shellcheck disable=SC2086 # words are meant to split here
  $root apt-get -qq update && $root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
}

# Both features are enabled, not auto: what cannot be built is an error and does not vanish. Without optimization and
# debug information, since compiling takes longer than running.
configure() {
  [ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=enabled -Dexamples=enabled \
    -Doptimization=0 -Ddebug=false
}

# A log of an earlier run is not to be counted when this one does not get so far.
rm -f "$build/meson-logs/testlog.json"
install && configure && meson test -C "$build" --print-errorlogs
status=$?
python3 tests/count.py "$build/meson-logs/testlog.json" && exit $status
exit 1
