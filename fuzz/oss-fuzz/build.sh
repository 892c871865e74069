#!/bin/bash -eu
# SPDX-License-Identifier: MIT
# Builds all fuzz targets as OSS-Fuzz wants them: in the project's folder, with $CXX, $CXXFLAGS and $LIB_FUZZING_ENGINE;
# objects go to $WORK, each target's program, seeds and options to $OUT. The stage "fuzz" of .ci/run does the same.
export CXX CXXFLAGS WORK
folders='-Iinclude -Itests'
python3 tests/single_header.py --forward include "$WORK/pop3.hpp"

# What takes longest first.
sources=(game game_single fuzz_cuts)
for source in fuzz/fuzz_*.cpp; do
  source=$(basename "$source" .cpp)
  [ "$source" = fuzz_cuts ] || sources+=("$source")
done
for source in "${sources[@]}"; do
  # What guides the fuzzer is in both games; it would only be counted twice.
  [ "$source" = game_single ] && echo "$source -fno-sanitize=fuzzer-no-link -I$WORK -Itests" || echo "$source $folders"
done | xargs -P "$(nproc)" -L 1 sh -c '
  source=$1
  shift
  exec $CXX $CXXFLAGS -std=c++17 -D_GLIBCXX_ASSERTIONS "$@" -c "fuzz/$source.cpp" -o "$WORK/$source.o"
' sh

cp fuzz/pop3.dict "$OUT"
for target in "${sources[@]}"; do
  corpus=fuzz/corpus/$target objects=("$WORK/$target.o")
  case $target in
    game*) continue ;;
    fuzz_session) objects+=("$WORK/game.o") ;;
    fuzz_single) objects+=("$WORK/game.o" "$WORK/game_single.o") corpus=fuzz/corpus/fuzz_session ;;
  esac
  # shellcheck disable=SC2086 # flags are to be split
  $CXX $CXXFLAGS "${objects[@]}" $LIB_FUZZING_ENGINE -o "$OUT/$target"
  python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" "$corpus"/*
  cp fuzz/oss-fuzz/options "$OUT/$target.options"
done
