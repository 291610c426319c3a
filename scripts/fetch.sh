#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fetch.sh - get ready the guests that demo, check and bench boot.
#
# usage: fetch.sh [-a ARCH]... [kernel] [workloads] [tools] [installer]
#                 [firmware] [sysroot]                  (default: kernel)
#
#   kernel     ARCH/kernel and ARCH/initramfs.gz (see guests.sh)
#   workloads  workloads/{ARCH,native}/NAME, and ARCH/workloads.gz: an
#              initramfs that has the programs in /bin; and bare/NAME.elf,
#              which run without a kernel
#   tools      ARCH/tools.gz: an initramfs with Debian's e2fsprogs, with
#              tests/guests/user/{,ARCH/}NAME as /bin/NAME, and (amd64) KVM
#   installer  ARCH/installer/{linux,initrd.gz}, gtk.gz of PCs
#   sysroot    arm64/sysroot: libraries to build anole with for that host, as
#              configure --cross=arm64 does
#   firmware   firmware/: SeaBIOS, OVMF, U-Boot; GRUB's, iPXE's and memtest86+'s
#              images
#
# ARCH is arm64, amd64, i386, mipsel or mips64el (the last two have no tools);
# without -a it is done for all of them.
# Everything is under the cache directory, GUESTS_CACHE, by default
# ~/.cache/anole. What is there already is not made again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${GUESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anole}
export GUESTS_CACHE=$cache
declare -rA COMPILER=([arm64]=aarch64-linux-gnu-gcc
  [amd64]=x86_64-linux-gnu-gcc [i386]=i686-linux-gnu-gcc
  [mipsel]=mipsel-linux-gnu-gcc [mips64el]=mips64el-linux-gnuabi64-gcc)
readonly PC_MODULES="parport_pc lp i2c-piix4 i2c-i801 i2c-dev ee1004 iTCO_wdt
  lpc_ich virtio_balloon pvpanic-mmio"
readonly TOOL_PACKAGES="e2fsprogs libext2fs2 libcom-err2 libss2 libblkid1
  libuuid1 libc6"

fetch_kernel() {
  local dir=$cache/$1
  if [[ ! -f $dir/kernel || ! -f $dir/initramfs.gz ]]; then
    "$here/guests.sh" "$1"
  fi
}

fetch_workloads() {
  local image=$cache/$1/workloads.gz programs=$cache/workloads/$1 path name
  local -a adds=()
  mkdir -p "$cache/workloads"
  make -s -C "$here/../tests/guests/workloads" ARCHES="$1 native" \
    BUILD="$cache/workloads"
  for path in "$programs"/*; do
    name=$(basename "$path")
    adds+=(--add "$path:/bin/$name")
  done
  if [[ ! -f $image || -n $(find "$programs" -newer "$image") ]]; then
    "$here/guests.sh" --name workloads "${adds[@]}" "$1"
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
  local image=$cache/$1/tools.gz programs=$cache/user/$1 source name
  local -a options=()
  mkdir -p "$programs"
  for source in "$here"/../tests/guests/user/{,"$1"/}*.c; do
    [[ -f $source ]] || continue
    name=$(basename "$source" .c)
    [[ $programs/$name -nt $source ]] ||
      "${COMPILER[$1]}" -O1 -Wall -static -no-pie -o "$programs/$name" \
        "$source"
    options+=(--add "$programs/$name:/bin/$name")
  done
  if [[ $1 == amd64 ]]; then
    for name in kvm-amd $PC_MODULES; do
      options+=(--mod "$name")
    done
  fi
  for name in $TOOL_PACKAGES; do
    options+=(--package "$name")
  done
  if [[ ! -f $image || -n $(find "$programs" -newer "$image") ||
    $(cat "$image.options" 2>/dev/null) != "${options[*]}" ]]; then
    "$here/guests.sh" --name tools "${options[@]}" "$1"
    printf '%s\n' "${options[*]}" >"$image.options"
  fi
  fetch_bare
}

fetch_installer() {
  local dir=$cache/$1/installer
  if [[ ! -f $dir/initrd.gz || ($1 =~ amd64|i386 && ! -f $dir/gtk.gz) ]]; then
    "$here/guests.sh" --installer "$1"
  fi
}

fetch_sysroot() {
  if [[ $1 == arm64 ]]; then    # it looks itself what is missing
    "$here/guests.sh" --sysroot "$1"
  fi
}

fetch_firmware() {
  "$here/guests.sh" --firmware
}

arches=()
parts=()
while (($#)); do
  case $1 in
    -a) arches+=("${2:?-a wants an architecture}") && shift ;;
    kernel | workloads | tools | installer | firmware | sysroot) parts+=("$1") ;;
    *) sed -n 's/^# usage/usage/p' "$0" >&2 && exit 2 ;;
  esac
  shift
done
((${#arches[@]})) || arches=(arm64 amd64 i386 mipsel mips64el)
((${#parts[@]})) || parts=(kernel)
for arch in "${arches[@]}"; do
  [[ -v COMPILER[$arch] ]] ||
    { echo "${0##*/}: no such architecture: $arch (there are:" \
      "${!COMPILER[*]})" >&2 && exit 2; }
  for part in "${parts[@]}"; do
    [[ $arch != mips* || $part != tools ]] || continue
    "fetch_$part" "$arch"
  done
done
