#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fetch.sh - get ready the guests that demo, check and bench boot.
#
# usage: fetch.sh [kernel] [workloads] [tools] [installer]  (default: kernel)
#
#   kernel     arm64/kernel and arm64/initramfs.gz (see guests.sh)
#   workloads  workloads/{arm64,native}/NAME, and arm64/workloads.gz: an
#              initramfs that has the arm64 programs in /bin; and
#              bare/NAME.elf, which run without a kernel
#   tools      arm64/tools.gz: an initramfs with Debian's e2fsprogs, and with
#              tests/guests/user/NAME as /bin/NAME
#   installer  arm64/installer/{linux,initrd.gz}
#
# Everything is under the cache directory, GUESTS_CACHE, by default
# ~/.cache/anole. What is there already is not made again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${GUESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anole}
export GUESTS_CACHE=$cache
readonly WORKLOADS="int fp simd mem branch sys smp selfmod"
readonly TOOL_PACKAGES="e2fsprogs libext2fs2 libcom-err2 libss2 libblkid1
  libuuid1 libc6"

fetch_kernel() {
  if [[ ! -f $cache/arm64/kernel || ! -f $cache/arm64/initramfs.gz ]]; then
    "$here/guests.sh" arm64
  fi
}

fetch_workloads() {
  local image=$cache/arm64/workloads.gz name
  local -a adds=()
  mkdir -p "$cache/workloads"
  make -s -C "$here/../tests/guests/workloads" ARCHES="arm64 native" \
    BUILD="$cache/workloads"
  for name in $WORKLOADS; do
    adds+=(--add "$cache/workloads/%a/$name:/bin/$name")
  done
  if [[ ! -f $image || -n $(find "$cache/workloads/arm64" -newer "$image") ]]; then
    "$here/guests.sh" --name workloads "${adds[@]}" arm64
  fi
  fetch_bare
}

# Programs for the bare machine, whose RAM begins at 0x40000000.
fetch_bare() {
  local source name folder=$here/../tests/guests/bare
  mkdir -p "$cache/bare"
  for source in "$folder"/*.S "$folder"/*.c; do
    name=$(basename "${source%.*}")
    [[ ! $cache/bare/$name.elf -nt $source ||
      ! $cache/bare/$name.elf -nt $folder/bare.h ]] || continue
    aarch64-linux-gnu-gcc -O2 -Wall -ffreestanding -fno-stack-protector \
      -mgeneral-regs-only -mstrict-align -nostdlib -static -no-pie -Wl,-n \
      -Wl,-Ttext=0x40080000 -Wl,--build-id=none \
      -Wl,--no-warn-rwx-segments -o "$cache/bare/$name.elf" \
      "$source"
  done
}

fetch_tools() {
  local image=$cache/arm64/tools.gz source name
  local -a options=()
  mkdir -p "$cache/user"
  for source in "$here"/../tests/guests/user/*.c; do
    name=$(basename "$source" .c)
    [[ $cache/user/$name -nt $source ]] ||
      aarch64-linux-gnu-gcc -O1 -Wall -static -no-pie -o "$cache/user/$name" \
        "$source"
    options+=(--add "$cache/user/$name:/bin/$name")
  done
  for name in $TOOL_PACKAGES; do
    options+=(--package "$name")
  done
  if [[ ! -f $image || -n $(find "$cache/user" -newer "$image") ]]; then
    "$here/guests.sh" --name tools "${options[@]}" arm64
  fi
  fetch_bare
}

fetch_installer() {
  if [[ ! -f $cache/arm64/installer/initrd.gz ]]; then
    "$here/guests.sh" --installer arm64
  fi
}

(($#)) || set -- kernel
for part; do
  case $part in
    kernel | workloads | tools | installer) "fetch_$part" ;;
    *) echo "usage: ${0##*/} [kernel] [workloads] [tools] [installer]" >&2 && exit 2 ;;
  esac
done
