#!/bin/sh
# SPDX-License-Identifier: MIT
# What takes too long for .ci/run, from a bare Debian 12 on: tests/deep.sh [part...]
# Parts: explore mutation faults ports conformance fuzz. All of them without arguments; each goes on although another
# has failed. What they print is kept in build-deep/PART.log; the end is a table of them with their times.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$PWD/build-deep
all='explore mutation faults ports conformance fuzz'

# setup PACKAGE...: beside what every part needs
setup() { sh .ci/setup g++ meson ninja-build pkg-config python3 "$@"; }
# build FOLDER TARGETS OPTION...: programs in $work/FOLDER
build() {
  folder=$work/$1 targets=$2
  shift 2
  [ -f "$folder/build.ninja" ] || meson setup "$folder" -Doptimization=2 -Ddebug=false "$@" || return 1
  # shellcheck disable=SC2086 # the names are to be split
  ninja -C "$folder" $targets
}

# Every order of steps there is, of the session and of its model.
explore() {
  setup doctest-dev && build tests tests/explore -Dtests=enabled -Dexamples=disabled &&
    "$work/tests/tests/explore" --depth 100
}
# Every small change of the library: what no test notices has to be explained.
mutation() { setup clang doctest-dev && python3 tests/mutation/mutate.py --work "$work/mutation" --least 100; }
# Every allocation fails in turn, every dialogue is broken off at every octet, pop3d is killed a thousand times; then,
# with AddressSanitizer, which looks for leaks too, and UBSan, the first two again and pop3d with calls of the system that
# fail.
faults() {
  setup clang libclang-rt-14-dev doctest-dev libboost-dev libboost-program-options-dev libssl-dev libcrypt-dev \
    libsodium-dev libidn-dev nlohmann-json3-dev &&
    build tests 'tests/faults_allocations tests/faults_octets' -Dtests=enabled -Dexamples=disabled &&
    "$work/tests/tests/faults_allocations" tests/dialogues &&
    "$work/tests/tests/faults_octets" --all tests/dialogues &&
    build pop3d examples/pop3d -Dtests=disabled -Dexamples=enabled &&
    python3 tests/faults/kill.py "$work/pop3d/examples/pop3d" 1000 &&
    CXX=clang++ build sanitized 'tests/faults_allocations tests/faults_octets examples/pop3d' -Dtests=enabled \
      -Dexamples=enabled -Db_sanitize=address,undefined -Db_lundef=false &&
    "$work/sanitized/tests/faults_allocations" tests/dialogues &&
    "$work/sanitized/tests/faults_octets" --all tests/dialogues &&
    python3 tests/interop/run.py "$work"/sanitized/examples/pop3d none none none test_faults
}
# Other compilers, libraries, word sizes and byte orders.
ports() { sh tests/ports.sh all; }
# The same questions to other servers.
conformance() { bash tests/conformance/compare.sh --slow; }
# Over all targets, a tenth of them with sanitizers.
fuzz() {
  setup clang libclang-rt-14-dev && python3 fuzz/campaign.py "$work/fuzz" --anew --runs "${FUZZ_RUNS:-500000000}"
}

mkdir -p "$work"
table=
status=0
for part in ${*:-$all}; do
  case " $all " in *" $part "*) ;; *) echo "No such part: $part. There are: $all" >&2; exit 2 ;; esac
done
for part in ${*:-$all}; do
  begin=$(date +%s)
  echo "== $part, $(date +%H:%M), $work/$part.log"
  ( "$part" ) >"$work/$part.log" 2>&1 && result=ok || { result=FAILED status=1; }
  tail -n 25 "$work/$part.log"
  seconds=$(($(date +%s) - begin))
  table="$table$(printf '%-12s %-7s %3d:%02d:%02d' "$part" "$result" $((seconds / 3600)) $((seconds / 60 % 60)) \
    $((seconds % 60)))
"
done
printf '\n%-12s %-7s %9s\n%s' part result time "$table"
exit $status
