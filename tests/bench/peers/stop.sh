#!/bin/sh
# SPDX-License-Identifier: MIT
# stop.sh PID [FOLDER]: ends a server that a start-*.sh started, and removes its folder.
kill "$1" 2>/dev/null
i=0
while kill -0 "$1" 2>/dev/null && [ $i -lt 50 ]; do
  sleep 0.1
  i=$((i + 1))
done
kill -KILL "$1" 2>/dev/null
case ${2:-} in
  */peer-*.??????) rm -rf "$2" ;;
esac
exit 0
