#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/ports.sh PLATFORM... | all: builds the tests for each of these platforms, runs them there, from a bare Debian 12
# on, and prints a table. Fails when a test fails, and when two platforms differ in the number of cases.
set -eu
cd "$(dirname "$0")/.."
all='gcc clang14 clang19 libcxx i686 arm s390x mingw wasm cortex-m4'

# The Debian packages of a platform, and what Meson is told.
platform() {
  compiler='' arguments=''
  case $1 in
    gcc)     packages='g++-12'                           compiler='g++-12' ;;
    clang14) packages='clang-14'                         compiler='clang++-14' ;;
    clang19) packages='clang-19'                         compiler='clang++-19' ;;
    libcxx)  packages='clang-14 libc++-14-dev libc++abi-14-dev' compiler='clang++-14 -stdlib=libc++' ;;
    i686)    packages='g++-i686-linux-gnu qemu-user' ;;
    arm)     packages='g++-arm-linux-gnueabihf qemu-user' ;;
    s390x)   packages='g++-s390x-linux-gnu qemu-user' ;;
    mingw)   packages='g++-mingw-w64-x86-64-posix wine64' arguments="-Dcpp_args=-I$work/include" ;;
    wasm)    packages='emscripten nodejs'                arguments="-Dcpp_args=-I$work/include" ;;
    *)       echo "tests/ports.sh: $1 is none of: $all" >&2; exit 2 ;;
  esac
  [ -n "$compiler" ] || arguments="$arguments --cross-file .ci/$1.ini"
}

# run PLATFORM: the headers' own tests; without optimization and several files at a time, since compiling takes longer
# than running.
run() {
  # shellcheck disable=SC2086 # packages and arguments are to be split
  sh .ci/setup meson ninja-build python3 doctest-dev $packages &&
    env ${compiler:+CXX="$compiler"} meson setup "$work/$1" -Dtests=enabled -Dexamples=disabled -Doptimization=0 \
      -Ddebug=false -Dunity=on -Dunity_size=12 $arguments &&
    meson test -C "$work/$1" --print-errorlogs --timeout-multiplier 10 \
      --suite unit --suite dialogues --suite link --suite replay
}

[ $# -gt 0 ] || { echo "usage: tests/ports.sh PLATFORM... | all: $all" >&2; exit 2; }
# shellcheck disable=SC2086 # names are to be split
[ "$1" != all ] || set -- $all

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Compilers that look into no folder of this machine are shown doctest alone.
mkdir "$work/include"
ln -s /usr/include/doctest "$work/include/doctest"
export WINEPREFIX="$work/wine" WINEDEBUG=-all

for name; do [ "$name" = cortex-m4 ] || platform "$name"; done  # a name that is none is told now
failed=
for name; do
  begin=$(date +%s)
  if [ "$name" = cortex-m4 ]; then
    sh examples/cortex-m4/run.sh >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; failed="$failed $name"; }
    continue
  fi
  platform "$name"
  run "$name" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; failed="$failed $name"; }
  python3 tests/ports.py "$name" "$work/$name/meson-logs/testlog.json" $(($(date +%s) - begin)) >"$work/line" ||
    case " $failed " in *" $name "*) ;; *) failed="$failed $name" ;; esac
  tee -a "$work/table" <"$work/line"
  rm -rf "${work:?}/$name"
done

# The figures of the image, and its session: it has no cases.
[ ! -f "$work/cortex-m4.log" ] || sed -n '/^heap at/,$s/^/cortex-m4: /p' "$work/cortex-m4.log"
if [ -f "$work/table" ] && [ "$(sed 's/.* \([0-9]*\) cases.*/\1/' "$work/table" | sort -u | wc -l)" -ne 1 ]; then
  failed="$failed (they differ in the number of cases)"
fi
[ -z "$failed" ] || { echo "FAILED:$failed"; exit 1; }
