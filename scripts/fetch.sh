#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fetch.sh - get ready the guests that demo, check and bench boot.
#
# usage: fetch.sh [kernel] [workloads] [installer]     (default: kernel)
#
#   kernel     arm64/kernel and arm64/initramfs.gz (see guests.sh)
#   workloads  workloads/{arm64,native}/NAME, and arm64/workloads.gz: an
#              initramfs that has the arm64 programs in /bin; and bare/off.elf,
#              which runs without a kernel
#   installer  arm64/installer/{linux,initrd.gz}
#
# Everything is under the cache directory, GUESTS_CACHE, by default
# ~/.cache/anole. What is there already is not made again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${GUESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anole}
export GUESTS_CACHE=$cache
readonly WORKLOADS="int fp simd mem branch sys smp selfmod"

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
  local source name
  mkdir -p "$cache/bare"
  for source in "$here"/../tests/guests/bare/*.S; do
    name=$(basename "$source" .S)
    [[ ! $cache/bare/$name.elf -nt $source ]] || continue
    aarch64-linux-gnu-gcc -nostdlib -static -Wl,-n -Wl,-Ttext=0x40080000 \
      -Wl,--build-id=none -o "$cache/bare/$name.elf" "$source"
  done
}

fetch_installer() {
  if [[ ! -f $cache/arm64/installer/initrd.gz ]]; then
    "$here/guests.sh" --installer arm64
  fi
}

(($#)) || set -- kernel
for part; do
  case $part in
    kernel | workloads | installer) "fetch_$part" ;;
    *) echo "usage: ${0##*/} [kernel] [workloads] [installer]" >&2 && exit 2 ;;
  esac
done
