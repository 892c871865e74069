#!/bin/bash
# SPDX-License-Identifier: MIT
# How pop3d's cost grows with connections, with messages in a maildrop, and with their size, beside the null server
# (compare.sh tells what that is). CPU time of the servers' processes; loopback only.
#
#   bash tests/bench/growth.sh [--quick] [--seconds S] [--pop3d FILE] [--keep]
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=2 pop3d='' keep=0 port=20140 small=512
connections=(1 10 100 1000 10000) messages=(10 1000 100000) kilobytes=(1 32 1024 32768 1048576)
values='--seconds --pop3d'
flag() {
  case $1 in
    --quick) seconds=0.3 small=32 connections=(1 10 100) messages=(10 1000) kilobytes=(1 1024) ;;
    --keep) keep=1 ;;
    *) return 1 ;;
  esac
}
. "$here/options.sh"
. "$here/setup.sh"
install_missing "${needed[@]}"
connections[-1]=$(at_most "${connections[-1]}" 2)
say 'building'
build_pop3d
build_ours
say 'making the corpus'
mail=$work/mail
python3 "$here/make_corpus.py" "$mail" --big 0 --small $small --tiny "${connections[-1]}" --many "${messages[@]}" \
  --one "${kilobytes[@]}" || die 'no corpus'
make_users "$mail"
start_pop3d pop3d $port $((port + 1)) "$mail"
# Where a process may not have so many descriptors there are two of pop3d for the row of most connections.
twin=''
if [ "${connections[-1]}" -gt $most_sessions ]; then
  twin=pop3d2
  start_pop3d $twin $((port + 3)) $((port + 4)) "$mail"
fi
started null "$("$here/peers/start-program.sh" null $((port + 2)) "$work/null" $((port + 2)) "$mail" --sendfile)"

both=0
value() { # KEY: of the last run
  sed -n "s/.* $1=\([^ ]*\).*/\1/p" "$work/out"
}
run() { # SERVER ARGUMENT...
  local server=$1 at=$port processes=${pid[$1]}
  [ "$server" = null ] && at=$((port + 2))
  if [ "$server" = pop3d ] && [ "$both" = 1 ]; then at=$port,$((port + 3)) processes=$processes,${pid[$twin]}; fi
  shift
  timeout 300 "$work/load" --port "$at" --server "$processes" --seconds "$seconds" --stall 120 "$@" >"$work/out" 2>"$work/err" ||
    { tail -1 "$work/err" >&2; echo ' ' >"$work/out"; }
  say "$server $*: $(cut -c1-120 "$work/out")"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a != "" && b > 0) printf "%.2f", a / b; else printf "-" }'; }
measure() { # KEY ARGUMENT...: prints "pop3d | null | ratio"
  local key=$1 ours floor
  shift
  run pop3d "$@"
  ours=$(value "$key")
  run null "$@"
  floor=$(value "$key")
  printf '%s | %s | %s' "${ours:--}" "${floor:--}" "$(ratio "$ours" "$floor")"
}

echo '| connections | login: CPU s/1,000 | null | ratio | NOOP: CPU us | null | ratio |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
everybody=(--user-pattern t%d --users "${connections[-1]}")
log_in_once() { # what pop3d and null keep of a maildrop is there before anything is measured
  run pop3d --mode login "${everybody[@]}" --connections 100 --count $((2 * connections[-1]))
  run null --mode login "${everybody[@]}" --connections 100 --count "${connections[-1]}"
}
log_in_once
for n in "${connections[@]}"; do
  with=''
  if [ -n "$twin" ] && [ "$n" -gt $most_sessions ]; then
    both=1 with=', two processes of pop3d'
    log_in_once
  fi
  users=("${everybody[@]}" --connections "$n")
  echo "| $n$with | $(measure cpu_s_per_1000 --mode login "${users[@]}") |" \
    "$(measure cpu_us_per_command --mode cmds --mix noop "${users[@]}") |"
done
both=0
echo
echo '| messages a maildrop | the first login, ms | login, STAT, QUIT: CPU ms | null | ratio |'
echo '| --- | --- | --- | --- | --- |'
for n in "${messages[@]}"; do
  user=(--user-pattern "many$n" --users 1 --connections 1 --mode login)
  run pop3d "${user[@]}" --count 1
  first=$(awk -v us="$(value p50_us)" 'BEGIN { printf "%.1f", us / 1000 }')
  echo "| $n | $first | $(measure cpu_s_per_1000 "${user[@]}" --warmup 1) |"
done
echo
echo '| a message of | RETR: CPU s/GB | null | ratio |'
echo '| --- | --- | --- | --- |'
for size in "${kilobytes[@]}"; do
  echo "| $size KB | $(measure cpu_s_per_GB --mode retr --user-pattern "one$size" --users 1 --connections 1) |"
done
