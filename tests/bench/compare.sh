#!/bin/bash
# SPDX-License-Identifier: MIT
# POP3 servers side by side on this machine: Dovecot and popa3d from Debian 12, pop3d, the driver of examples/epoll.hpp
# with Maildirs, and a null server, the floor. Works from a plain clone: installs what is missing (as root or by sudo),
# builds our servers in release mode, makes a corpus, serves a copy of it by each server on loopback, runs the modes in
# turn (A B C, B C A, ...), and prints a table of medians and ratios. CPU time is that of the server's processes; it and
# the ratios count, rates depend on what else the machine does.
#
#   bash tests/bench/compare.sh [options]
#
#   --quick          all of it, once and short: to see that it works
#   --reps N         runs of each mode and server (5)     --seconds S   of each (2)
#   --modes LIST     of login,pop,retr,crlf,cmds1,cmds1p,cmds64,noop64,idle,crowd,calls and, of pop3d alone,
#                    tls,crowdtls (all)
#   --servers LIST   of dovecot,popa3d,null,pop3d,epoll (all)
#   --sessions N     of idle and crowd (10000)
#   --raw FILE       keep each run's line there           --json FILE   medians
#   --pop3d FILE     measure this one instead of building it
#   --workers N      of pop3d (1: like with like, for the null server and epoll have one thread)
#   --keep           leave the folder with the corpus and the logs
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
modes=login,pop,retr,crlf,cmds1,cmds1p,cmds64,noop64,idle,crowd,calls,tls,crowdtls
servers=dovecot,popa3d,null,pop3d,epoll
reps=5 seconds=2 sessions=10000 busy=200 workers=1 traced=500 small=512 big=4 big_octets=20000000 raw='' json='' pop3d='' keep=0 port=20100
values='--reps --seconds --modes --servers --sessions --workers --raw --json --pop3d'
flag() {
  case $1 in
    --quick) reps=1 seconds=0.3 sessions=200 busy=30 traced=50 small=64 big=2 big_octets=2000000 ;;
    --keep) keep=1 ;;
    *) return 1 ;;
  esac
}
. "$here/options.sh"
has() { # WORD LIST,OF,WORDS
  case ,$2, in *,"$1",*) return 0 ;; *) return 1 ;; esac
}

. "$here/setup.sh"

has dovecot "$servers" && needed+=(dovecot-core)
install_missing "${needed[@]}"
if [ "$(id -u)" != 0 ] && { has dovecot "$servers" || has popa3d "$servers"; }; then
  die 'the peers need root (mount namespaces, files of other owners); or: --servers null,pop3d,epoll'
fi
# Where a process may not have so many descriptors there are two of pop3d for the modes of many sessions, each with half
# of them.
twin=''
if has pop3d "$servers" && [ "$sessions" -gt $most_sessions ]; then twin=pop3d2; fi
sessions=$(at_most "$sessions" 2)
say 'building'
if has pop3d "$servers"; then build_pop3d; fi
build_ours
say 'making the corpus'
python3 "$here/make_corpus.py" "$work/mail" --big $big --big-octets $big_octets --small $small --tiny "$sessions" \
  --mbox "$work/mail-popa3d" || die 'no corpus'
for name in dovecot pop3d epoll; do
  if has $name "$servers"; then cp -a "$work/mail" "$work/mail-$name"; fi
done
make_users "$work/mail"

# ---- servers ----------------------------------------------------------------------------------------------------------
port_of() {
  case $1 in dovecot) echo $port ;; popa3d) echo $((port + 1)) ;; null) echo $((port + 2)) ;;
    nullfile) echo $((port + 3)) ;; pop3d) echo $((port + 4)) ;; epoll) echo $((port + 5)) ;; tls) echo $((port + 6)) ;;
    pop3d2) echo $((port + 7)) ;; tls2) echo $((port + 8)) ;; esac
}
start() { # NAME
  local at program=("$here/peers/start-program.sh" "$1")
  at=$(port_of "$1")
  case $1 in
    dovecot | popa3d) started "$1" "$("$here/peers/start-$1.sh" "$at" "$work/mail-$1")" ;;
    null) started "$1" "$("${program[@]}" "$at" "$work/null" "$at" "$work/mail")" ;;
    nullfile) started "$1" "$("${program[@]}" "$at" "$work/null" "$at" "$work/mail" --sendfile)" ;;
    epoll) started "$1" "$("${program[@]}" "$at" "$work/epoll_maildir" "127.0.0.1:$at" "$work/mail-$1" pass)" ;;
    pop3d) start_pop3d pop3d "$at" "$(port_of tls)" "$work/mail-pop3d" ;;
    pop3d2) start_pop3d pop3d2 "$at" "$(port_of tls2)" "$work/mail-pop3d" ;;
  esac
}
restart_all() {
  local name
  for name in $all; do
    stop "$name"
    start "$name"
  done
}
all=${servers//,/ }
has null "$servers" && has crlf "$modes" && all="$all nullfile"
restart_all

# ---- runs -------------------------------------------------------------------------------------------------------------
[ -n "$raw" ] || raw=$work/raw
: >"$raw"
record() { # MODE SERVER REP STATUS: what the generator printed is in $work/out and $work/err
  if [ "$4" = 0 ]; then
    echo "test=$1 server=$2 rep=$3 $(cat "$work/out")" >>"$raw"
  else
    echo "test=$1 server=$2 rep=$3 FAIL $(head -c 300 "$work/err" | tr '\n' ' ')" >>"$raw"
  fi
  say "$(tail -1 "$raw" | cut -c1-160)"
}
run() { # MODE SERVER REP
  local mode=$1 server=$2 args
  [ "$mode" = crlf ] && [ "$server" = null ] && server=nullfile
  args=(--port "$(port_of "$server")" --server "${pid[$server]}" --expect "$work/mail" --seconds "$seconds" --stall 20)
  case $mode in
    login | pop) args+=(--mode "$mode" --users "$small" --connections 16 --warmup 600) ;;
    retr) args+=(--mode retr --user-pattern big%d --connections "$big") ;;
    crlf) args+=(--mode retr --user-pattern crlf%d --connections "$big") ;;
    cmds1 | cmds1p) args+=(--mode cmds --users "$small" --connections 8) ;;
    cmds64) args+=(--mode cmds --users "$small" --connections 8 --depth 64) ;;
    noop64) args+=(--mode cmds --users "$small" --connections 8 --depth 64 --mix noop) ;;
    idle) args+=(--mode idle --user-pattern t%d --connections "$sessions" --hold 1) ;;
    crowd) args+=(--mode crowd --user-pattern t%d --connections "$sessions" --worker-users "$small" --workers "$busy") ;;
    tls) args+=(--mode retr --user-pattern big%d --connections "$big" --tls --port "$(port_of tls)") ;;
    crowdtls) args+=(--mode crowd --user-pattern t%d --connections "$sessions" --worker-users "$small" --workers "$busy" --tls
      --port "$(port_of tls)${twin:+,$(port_of tls2)}") ;;
    *) die "unknown mode $mode" ;;
  esac
  [ "$server" = popa3d ] && args+=(--no-capa)
  if [ "$server" = pop3d ] && [ -n "$twin" ]; then
    case $mode in
      idle | crowd) args+=(--port "$(port_of pop3d),$(port_of pop3d2)" --server "${pid[pop3d]},${pid[pop3d2]}") ;;
      crowdtls) args+=(--server "${pid[pop3d]},${pid[pop3d2]}") ;;
    esac
  fi
  case $mode in crowd*) args+=(--expect '' --seconds 5) ;; esac
  local load=("$work/load")
  if [ "$mode" = cmds1p ]; then
    keep_on "$last_processor" "$server"
    load=(taskset -c "$first_processor" "$work/load")
  fi
  timeout 120 "${load[@]}" "${args[@]}" >"$work/out" 2>"$work/err"
  record "$mode" "$2" "$3" $?
  [ "$mode" != cmds1p ] || keep_on "$processors" "$server"
}
descendants() { # PID: and itself
  local child
  echo "$1"
  for child in $(pgrep -P "$1"); do descendants "$child"; done
}
# Where each command waits for the reply to the last one, a command costs up to twice as much if the scheduler happens to
# have server and client on processors of their own. cmds1 leaves it to the scheduler, cmds1p does not.
processors=$(taskset -c -p $$ | sed 's/.*: //')
first_processor=${processors%%[-,]*} last_processor=${processors##*[-,]}
keep_on() { # PROCESSORS SERVER
  local process
  for process in $(descendants "${pid[$2]}"); do taskset -a -c -p "$1" "$process" >/dev/null; done
}
# Counting slows a server down, so nothing is timed here. What is counted is work with files that are in memory, so they
# are all asked for once before: a server may go another way for what it has to wait for.
count_calls() { # MODE SERVER
  local args=() tracer process
  if [ "$1" = pop ]; then
    timeout 100 "$work/load" --port "$(port_of "$2")" --mode pop --users $small --connections 16 \
      --count $((2 * small)) --warmup 0 >/dev/null 2>&1 || say "$2: not all files were asked for before"
  fi
  for process in $(descendants "${pid[$2]}"); do args+=(-p "$process"); done
  timeout -s INT 60 strace -f -c -U calls,name -o "$work/calls" "${args[@]}" 2>/dev/null &
  tracer=$!
  sleep 1
  timeout 50 "$work/load" --port "$(port_of "$2")" --mode "$1" --users $small --connections 16 --count $traced \
    --warmup 0 >"$work/out" 2>"$work/err"
  local status=$?
  kill -INT $tracer
  wait $tracer
  echo " calls_per_session=$(awk -v n=$traced '$2 != "total" { sum += $1 } END { printf "%.1f", sum / n }' "$work/calls")" \
    "calls=$(awk -v n=$traced '$1 > n / 4 && $2 != "total" { printf "%s:%.1f,", $2, $1 / n }' "$work/calls")" >>"$work/out"
  tr '\n' ' ' <"$work/out" >"$work/out2" && mv "$work/out2" "$work/out"
  record "calls-$1" "$2" 0 $status
}

IFS=, read -ra order <<<"$servers"
for mode in ${modes//,/ }; do
  case $mode in idle | crowd | crowdtls | calls | tls) continue ;; esac
  for ((rep = 0; rep < reps; ++rep)); do
    for ((i = 0; i < ${#order[@]}; ++i)); do
      server=${order[$(((i + rep) % ${#order[@]}))]}
      [ $server = popa3d ] && [ $mode = crlf ] && continue # an mbox has no CRLF
      run "$mode" "$server" "$rep"
    done
  done
done
if has tls "$modes" && has pop3d "$servers"; then
  for ((rep = 0; rep < reps; ++rep)); do run tls pop3d "$rep"; done
fi
if has calls "$modes"; then
  for server in "${order[@]}"; do
    [ "$server" = popa3d ] && continue # a process for each connection, which is what it would count
    count_calls login "$server"
    count_calls pop "$server"
  done
fi
# Each on servers that have done nothing yet: what they keep would hide what a session takes.
for mode in idle crowd crowdtls; do
  has $mode "$modes" || continue
  restart_all
  [ -z "$twin" ] || { stop $twin && start $twin; }
  for server in "${order[@]}"; do
    [ "$server" = popa3d ] && continue
    [ $mode = crowdtls ] && [ "$server" != pop3d ] && continue
    run $mode "$server" 0
  done
done

python3 "$here/table.py" "$raw" --servers "$servers" ${json:+--json "$json"}
