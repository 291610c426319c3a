#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# setup.sh - see to it that the Debian packages needed here are installed.
#
# usage: setup.sh [GROUP]...     of: build guests test bench (default: build)
#
# As root it installs what is missing; otherwise it prints the command that
# does. Without the packages of "build" nothing can go on, and it fails; the
# other groups only widen what can be tested.
set -euo pipefail

declare -rA PACKAGES=(
  # compiling anole
  [build]="gcc libc6-dev make meson ninja-build pkg-config python3
    libglib2.0-dev libcapstone-dev libfdt-dev libslirp-dev
    liburing-dev libpixman-1-dev zlib1g-dev libzstd-dev libsdl2-dev libncurses-dev"
  # making guests: kernels, initial file systems, programs
  [guests]="ca-certificates cpio dpkg-dev e2fsprogs gcc gcc-aarch64-linux-gnu
    gcc-i686-linux-gnu gcc-mips-linux-gnu gcc-mips64-linux-gnuabi64
    gcc-mipsisa32r6el-linux-gnu gcc-mipsisa64r6el-linux-gnuabi64
    gcc-mips64el-linux-gnuabi64 gcc-mipsel-linux-gnu gzip libc6-dev libc6-dev-arm64-cross
    libc6-dev-i386-cross make tar"
  # what tests use beside that
  [test]="clang clang-format device-tree-compiler gdb-multiarch qemu-user
    libvirt-clients libvirt-daemon-driver-qemu mtools
    python3-pexpect tmux xvfb xdotool x11-apps imagemagick tesseract-ocr"
  # the emulator that anole is measured against
  [bench]="ipxe-qemu qemu-system-arm qemu-system-mips qemu-system-x86
    seabios"
)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# The packages of all groups given that are not installed.
missing() {
  local group
  local -A have=()
  local -a wanted=()
  for group; do
    # shellcheck disable=SC2206  # a list of words
    wanted+=(${PACKAGES[$group]})
  done
  while read -r name; do
    have[$name]=1
  done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' \
    "${wanted[@]}" 2>/dev/null | sed -n 's/^.i *//p')
  for name in "${wanted[@]}"; do
    [[ -n ${have[$name]-} ]] || printf '%s\n' "$name"
  done | sort -u
}

install_packages() {
  local -a get=(apt-get -qq -y -o Dpkg::Use-Pty=0 install
    --no-install-recommends)
  export DEBIAN_FRONTEND=noninteractive
  say "installing: $*"
  "${get[@]}" "$@" >/dev/null 2>&1 && return
  apt-get -qq update || say "package lists incomplete, going on"
  "${get[@]}" "$@" >/dev/null
}

main() {
  local group
  local -a groups=("${@:-build}") absent
  for group in "${groups[@]}"; do
    [[ -n ${PACKAGES[$group]-} ]] || {
      say "no such group: $group (there are: ${!PACKAGES[*]})"
      exit 2
    }
  done
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: packages are up to you (they are listed in $0)"
    return
  fi
  mapfile -t absent < <(missing "${groups[@]}")
  ((${#absent[@]})) || return 0
  if ((EUID == 0)); then
    install_packages "${absent[@]}"
    return
  fi
  say "packages are missing; install them with"
  say "  sudo apt-get install ${absent[*]}"
  mapfile -t absent < <(missing build)
  ((${#absent[@]} == 0))
}

main "$@"
