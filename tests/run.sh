#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds everything and runs every test, from a bare Debian 12 on. The last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/.." || exit 1
build=build-tests

# The last lines: real mail programs for the interop tests, which skip those that are not there.
packages() {
  sh .ci/setup g++ meson ninja-build pkg-config doctest-dev libboost-dev libboost-program-options-dev libssl-dev \
    libcrypt-dev libsodium-dev libidn-dev nlohmann-json3-dev python3 curl fetchmail mpop getmail6 mutt gsasl perl \
    libio-socket-ssl-perl libauthen-sasl-perl libdigest-hmac-perl haproxy openssl testssl.sh
}

# Both features are enabled, not auto: what cannot be built is an error and does not vanish. Several sources at a time,
# without optimization and debug information, since compiling takes longer than running.
configure() {
  [ -f "$build/build.ninja" ] ||
    meson setup "$build" -Dtests=enabled -Dexamples=enabled -Doptimization=0 -Ddebug=false -Dunity=on -Dunity_size=12
}

# The log of an earlier run is not to be counted when this one does not get so far.
rm -f "$build/meson-logs/testlog.json"
packages && configure && meson test -C "$build" --print-errorlogs
status=$?
python3 tests/count.py "$build/meson-logs/testlog.json" || exit 1
exit $status
