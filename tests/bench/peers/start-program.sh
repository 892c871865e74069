#!/bin/bash
# SPDX-License-Identifier: MIT
# start-program.sh NAME PORT PROGRAM [ARGUMENT...]: a server that is one program, in the foreground.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
[ $# -ge 3 ] || die 'usage: NAME PORT PROGRAM [ARGUMENT...]'
name=$1 port=$2
shift 2
port_free "$port"
dir=$(peer_dir "$name")
ulimit -n "$(ulimit -Hn)"
launch "$@"
