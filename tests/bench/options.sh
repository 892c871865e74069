# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For compare.sh and growth.sh, which source it: reads their options. Each in $values sets the variable of its name;
# what the others do knows flag, a function that fails at what is none. Anything else prints the script's own opening.
while [ $# -gt 0 ]; do
  case " $values " in
    *" $1 "*)
      [ $# -ge 2 ] || { echo "${0##*/}: a value is missing for $1" >&2; exit 64; }
      declare "${1#--}=$2"
      shift
      ;;
    *)
      flag "$1" || {
        sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
        [ "$1" = --help ]
        exit $((64 * $?))
      }
      ;;
  esac
  shift
done
