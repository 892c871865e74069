#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures the core inside one process, without sockets, and prints Markdown tables, with what is wanted beside them:
#
#   sh tests/bench/run.sh             all of it, about five minutes
#   sh tests/bench/run.sh session     only these programs: line_reader dot_stuffer output_queue sasl maildrop bodies
#                                     session instructions footprint
#
# BENCH_MAIL=folder: bodies are the mail in that folder, not what the programs make up. REPEAT=n: the best of n (5).
# CXX=compiler.
set -eu
cd "$(dirname "$0")/../.."
build=build-bench-core
programs='line_reader dot_stuffer output_queue sasl maildrop bodies session'
[ $# -gt 0 ] || set -- $programs instructions footprint

sh .ci/setup g++ binutils meson ninja-build pkg-config libbenchmark-dev valgrind python3 >&2
[ -f "$build/build.ninja" ] ||
  CXX=${CXX:-g++} meson setup "$build" --buildtype=release -Doptimization=2 -Dbench=enabled -Dtests=disabled \
    -Dexamples=disabled >&2

results=
for program; do
  case " $programs " in
    *" $program "*) ;;
    *) continue ;;
  esac
  echo "$program" >&2
  ninja -C "$build" --quiet "tests/bench/core/bench_$program" >&2
  result=$build/$program.json
  # Repetitions of all in turn: what disturbs one for a while does not disturb all repetitions of it.
  "$build/tests/bench/core/bench_$program" --benchmark_repetitions="${REPEAT:-5}" --benchmark_min_time=0.1 \
    --benchmark_enable_random_interleaving=true --benchmark_out="$result" --benchmark_out_format=json >"$result.log" 2>&1 ||
    { cat "$result.log" >&2; exit 1; }
  results="$results $result"
done

printf '%s, %s, %s\n\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(${CXX:-g++} --version | head -n 1)" \
  "$(git describe --always --dirty 2>/dev/null || echo 'no git')"
# shellcheck disable=SC2086 # the names are to be split
[ -z "$results" ] || python3 tests/bench/report.py $results
for program; do
  case $program in
    instructions)
      printf '\nInstructions, by callgrind:\n\n'
      python3 tests/bench/instructions.py --compiler "${CXX:-g++}" || true
      ;;
    footprint)
      printf '\nFootprint:\n\n'
      python3 tests/bench/footprint.py "${CXX:-g++}"
      ;;
  esac
done
