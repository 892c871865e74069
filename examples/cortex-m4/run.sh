#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [FOLDER]: builds the image for a Cortex-M4 into the folder, plays dialogue.txt with it in an emulator, and
# prints what it takes of flash and RAM.
set -eu
folder=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")"
sh ../../.ci/setup gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm python3
if [ -n "$folder" ]; then
  mkdir -p "$folder"
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
image=$folder/pop3.elf

arm-none-eabi-g++ -mcpu=cortex-m4 -mthumb -std=c++17 -Os -DNDEBUG -fno-exceptions -fno-rtti -fno-threadsafe-statics \
  -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Werror -I../../include \
  main.cpp board.cpp -o "$image" --specs=nano.specs -nostartfiles -T board.ld -Wl,--gc-sections -Wl,--fatal-warnings

python3 play.py dialogue.txt qemu-system-arm -machine netduinoplus2 -display none -monitor none -serial stdio \
  -semihosting-config enable=on,target=native -kernel "$image"

# Code and constants, and the first values of variables; variables.
arm-none-eabi-size -A "$image" | awk '
  $1 == ".text" || $1 == ".ARM.exidx" || $1 == ".data" { flash += $2 }
  $1 == ".data" || $1 == ".bss" { ram += $2 }
  END { print "flash: " flash; print "RAM besides heap and stack: " ram }'
