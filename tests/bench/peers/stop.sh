#!/bin/sh
# SPDX-License-Identifier: MIT
# stop.sh PID [FOLDER]: ends a server that a start-*.sh started, with its helpers, and removes its folder.
. "$(dirname "$0")/lib.sh"
end_group "$1"
case ${2:-} in
  */peer-*.??????) rm -rf "$2" ;;
esac
exit 0
