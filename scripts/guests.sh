#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# guests.sh - build small Linux guests (kernel + initramfs) for emulator work.
#
# For every ARCH it fetches, by package name, Debian's kernel image and the
# static BusyBox of that architecture, and writes under the cache directory
#
#   ARCH/kernel          the kernel as Debian ships it, ready for -kernel
#   ARCH/NAME.gz         a small initramfs (NAME is "initramfs" by default)
#   ARCH/config          the kernel's build configuration, for reading
#   ARCH/release         the kernel release, e.g. 6.1.0-50-arm64
#   firmware/            with --firmware: PC firmware, and images that it boots
#   ARCH/sysroot/        with --sysroot: the libraries that anole is linked with,
#                        to build it for that architecture; ARCH/sysroot.ini
#                        tells meson where they are
#   ARCH/installer/      with --installer: Debian's network installer, the files
#                        linux and initrd.gz as Debian ships them; on PCs gtk.gz
#                        is the initrd of the graphical one (same kernel)
#
# Packages come through apt with a private configuration per architecture (own
# state, own cache, own APT::Architecture) that reuses the system's sources and
# keys. Nothing on the system changes and no root is needed.
#
# Kernel command line understood by the guest's /init:
#   guest.run="COMMAND"  run it with sh -c; without it, an interactive shell
#   guest.mod="A B ..."  modules to load instead of the default set ("none" = no)
#   guest.off=HOW        poweroff (default), reboot or halt at the end
# /init prints "GUEST-READY <uname -m>" before the command and "GUEST-DONE rc=N"
# after it, each on a line of its own.
#
# Not covered: big-endian mips and 32-bit powerpc, which Debian 12 has only
# cross compilers for, no kernels and no packages.
set -euo pipefail

readonly KNOWN_ARCHES="arm64 armhf mipsel mips64el ppc64el amd64 i386"

cache=${GUESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anole}
# One kernel ABI for all architectures keeps results comparable. When the
# archive has dropped it, the newest kernel of the flavour is taken instead.
abi=${GUESTS_ABI:-6.1.0-50}

# Modules loaded at every boot, and modules carried for guest.mod=.
readonly LOAD_MODULES="virtio_mmio virtio_pci virtio_blk virtio_net"
readonly CARRY_MODULES="virtio_scsi virtio_console virtio_rng 9p 9pnet_virtio
  ext4 vfat nls_cp437 nls_ascii nls_iso8859_1 isofs loop sd_mod sr_mod
  ata_piix ahci nvme sdhci_pci mmci mmc_block e1000 e1000e pcnet32 8139cp
  ibmvscsi ibmveth"
# Unpacked too, for images that ask for them with --mod.
readonly OTHER_MODULES="kvm-amd parport_pc lp i2c-piix4 i2c-i801 i2c-dev ee1004
  iTCO_wdt lpc_ich virtio_balloon pvpanic-mmio"

# What firmware/ is made of.
readonly FIRMWARE_PACKAGES="seabios ovmf grub-rescue-pc memtest86+ ipxe u-boot-qemu
  qemu-system-data shim-signed grub-efi-amd64-signed"

# What anole is built with on another architecture.
readonly SYSROOT_PACKAGES="libc6 libc6-dev linux-libc-dev libgcc-s1
  libglib2.0-0 libglib2.0-dev libpcre2-8-0 libpcre2-dev libcapstone4
  libcapstone-dev libfdt1 libfdt-dev libslirp0 libslirp-dev liburing2
  liburing-dev libpixman-1-0 libpixman-1-dev zlib1g zlib1g-dev libzstd1
  libzstd-dev"

usage() {
  cat <<EOF
usage: ${0##*/} [options] ARCH...
  ARCH               one of: $KNOWN_ARCHES (or: all)
  --add FILE:PATH    put FILE at PATH in the initramfs; %a in FILE is the ARCH
  --mod NAME         carry kernel module NAME too
  --package NAME     unpack Debian's package NAME in the initramfs, without its
                     documentation and without what it depends on
  --firmware         fetch firmware for PCs and images that it boots
  --sysroot          fetch libraries to build anole with
  --installer        fetch Debian's network installer too (linux, initrd.gz)
  --name NAME        write ARCH/NAME.gz instead of ARCH/initramfs.gz
  --refresh          ask the archive again, even when the packages are here
  --help             this text
environment:
  GUESTS_CACHE       where all this lives (now: $cache)
  GUESTS_ABI         kernel ABI to prefer (now: $abi)
EOF
}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# The flavour in the name of the Debian kernel package.
flavour_of() {
  case $1 in
    arm64) echo arm64 ;;
    armhf) echo armmp ;;
    mipsel) echo 4kc-malta ;;
    mips64el) echo 5kc-malta ;;
    ppc64el) echo powerpc64le ;;
    amd64) echo amd64 ;;
    i386) echo 686 ;;
    *) return 1 ;;
  esac
}

# ---------------------------------------------------------------- packages --

# Writes the private apt configuration of one architecture; prints its path.
apt_setup() {
  local arch=$1 dir=$cache/apt/$1
  mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/none"
  : >"$dir/status"
  {
    # Proxies and the like, but no index types beyond the package lists.
    apt-config dump Acquire | grep -v '^Acquire::IndexTargets' || true
    cat <<EOF
Acquire::Languages "none";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::Parts "$dir/none";
Dir::Etc::Main "none";
EOF
  } >"$dir/apt.conf"
  printf '%s\n' "$dir/apt.conf"
}

package_exists() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

# A mirror that is half synchronised fails the update as a whole; what counts
# is whether the packages can be had.
update_lists() {
  apt-get -qq update 2>"$cache/apt/$1/update.log" ||
    say "$1: package lists incomplete (apt/$1/update.log), going on"
}

# The kernel package: the preferred ABI, else what the flavour's meta package
# depends on.
kernel_package() {
  local flavour=$1 name=linux-image-$abi-$1
  if ! package_exists "$name"; then
    name=$(apt-cache show --no-all-versions "linux-image-$flavour" 2>/dev/null |
      sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
  fi
  [[ -n $name ]] || return 1
  printf '%s\n' "$name"
}

# Downloads the packages of one architecture into ARCH/deb, once.
fetch_packages() {
  local arch=$1 refresh=$2 dir=$cache/$1/deb kernel
  if ((!refresh)) && compgen -G "$dir/linux-image-*.deb" >/dev/null &&
    compgen -G "$dir/busybox-static_*.deb" >/dev/null; then
    return
  fi
  APT_CONFIG=$(apt_setup "$arch")
  export APT_CONFIG
  update_lists "$arch"
  kernel=$(kernel_package "$(flavour_of "$arch")") ||
    die "$arch: no kernel package in the configured apt sources"
  rm -rf "$dir" "$cache/$arch/modules"
  mkdir -p "$dir"
  (cd "$dir" && apt-get -qq download "$kernel" busybox-static) ||
    die "$arch: download failed"
  unset APT_CONFIG
}

# download ARCH FOLDER NAME...: downloads packages into FOLDER; the lists are
# updated where they lack the first one.
download() {
  local arch=$1 dir=$2
  shift 2
  APT_CONFIG=$(apt_setup "$arch")
  export APT_CONFIG
  package_exists "$1" || update_lists "$arch"
  (cd "$dir" && apt-get -qq download "$@") ||
    die "$arch: cannot download $*"
  unset APT_CONFIG
}

# fetch_extras ARCH NAME...: downloads packages for --package into ARCH/extra,
# once.
fetch_extras() {
  local arch=$1 dir=$cache/$1/extra name
  local -a missing=()
  shift
  mkdir -p "$dir"
  for name; do
    compgen -G "$dir/${name}_*.deb" >/dev/null || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  download "$arch" "$dir" "${missing[@]}"
}

# Downloads the network installer of one architecture, once, and keeps of it the
# kernel, the initrd of the text flavour and that of the graphical one (MIPS:
# those of the board malta).
fetch_installer() {
  local arch=$1 dir=$cache/$1/installer name=debian-installer-12-netboot-$1 tmp
  local flavour=text/debian-installer
  [[ $arch != mips* ]] || flavour=malta
  if [[ -f $dir/linux && -f $dir/initrd.gz ]] &&
    [[ $arch != *86 && $arch != amd64 || -f $dir/gtk.gz ]]; then
    return
  fi
  tmp=$(mktemp -d "$cache/installer.XXXXXX")
  # shellcheck disable=SC2064  # the path is known now and local
  trap "rm -rf '$tmp'" EXIT
  download "$arch" "$tmp" "$name"
  mkdir "$tmp/root"
  dpkg-deb --fsys-tarfile "$tmp/$name"_*.deb | tar -C "$tmp/root" -xf -
  mkdir -p "$dir"
  find "$tmp/root" -path "*/$flavour/*" -type f \
    \( -name 'linux' -o -name 'vmlinuz*' \) \
    -exec install -m 644 {} "$dir/linux" \;
  find "$tmp/root" -path "*/$flavour/*" -name initrd.gz -type f \
    -exec install -m 644 {} "$dir/" \;
  find "$tmp/root" -path '*/gtk/*/initrd.gz' -type f \
    -exec install -m 644 {} "$dir/gtk.gz" \;
  rm -rf "$tmp"
  trap - EXIT
  [[ -f $dir/linux && -f $dir/initrd.gz ]] ||
    die "$arch: no kernel and initrd in $name"
}

# Downloads and unpacks libraries and headers of one architecture, once.
fetch_sysroot() {
  local arch=$1 dir=$cache/$1 tmp package
  if [[ -f $dir/sysroot/.packages &&
    $(<"$dir/sysroot/.packages") == "$SYSROOT_PACKAGES" ]]; then
    return
  fi
  tmp=$(mktemp -d "$cache/sysroot.XXXXXX")
  # shellcheck disable=SC2064  # the path is known now and local
  trap "rm -rf '$tmp'" EXIT
  # shellcheck disable=SC2086  # a list of words
  download "$arch" "$tmp" $SYSROOT_PACKAGES
  rm -rf "$dir/sysroot"
  mkdir -p "$dir/sysroot"
  for package in "$tmp"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -C "$dir/sysroot" -xf - --exclude=./usr/share
  done
  printf "[constants]\nroot = '%s'\nlauncher = [%s]\n" "$dir/sysroot" \
    "$(! command -v ccache >/dev/null || echo "'ccache'")" >"$dir/sysroot.ini"
  printf '%s\n' "$SYSROOT_PACKAGES" >"$dir/sysroot/.packages"
  rm -rf "$tmp"
  trap - EXIT
}

# Downloads firmware and bootable images, once; they go to firmware/.
fetch_firmware() {
  local dir=$cache/firmware tmp name package
  if [[ -f $dir/.packages && $(<"$dir/.packages") == "$FIRMWARE_PACKAGES" &&
    -f $dir/u-boot-malta64el.bin ]]; then
    return
  fi
  tmp=$(mktemp -d "$cache/firmware.XXXXXX")
  # shellcheck disable=SC2064  # the path is known now and local
  trap "rm -rf '$tmp'" EXIT
  # shellcheck disable=SC2086  # a list of words
  download amd64 "$tmp" $FIRMWARE_PACKAGES
  mkdir -p "$tmp/root" "$dir"
  for package in "$tmp"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$tmp/root" -xf -
  done
  find "$tmp/root" -path '*/u-boot' -prune -o -path '*/qemu' -prune -o -type f -size +4k \( \
    -name '*.bin' -o -name '*.fd' -o -name '*.iso' -o -name '*.img' -o \
    -name '*.lkrn' -o -name '*.efi.signed' \) \
    -exec install -m 644 {} "$dir/" \;
  install -m 644 "$tmp/root/usr/share/qemu/qboot.rom" "$dir/"
  for name in qemu-x86 qemu-x86_64; do
    install -m 644 "$tmp/root/usr/lib/u-boot/$name/u-boot.rom" \
      "$dir/u-boot-$name.rom"
  done
  for name in maltael malta64el; do
    install -m 644 "$tmp/root/usr/lib/u-boot/$name/u-boot.bin" \
      "$dir/u-boot-$name.bin"
  done
  printf '%s\n' "$FIRMWARE_PACKAGES" >"$dir/.packages"
  rm -rf "$tmp"
  trap - EXIT
}

# ----------------------------------------------------------------- modules --

# Values of one tag (depends, softdep, ...) of a module file. The first tag of the
# section may follow other bytes without a zero between them.
modinfo_tag() {
  tr '\0' '\n' <"$1" | LC_ALL=C sed -n "s/^.*$2=//p"
}

# Prints NAME after everything it needs, one per line; $2 is a list of all .ko
# files. Fails when NAME is no module here (then it is built in, or not made).
module_closure() {
  local name=${1//-/_} list=$2 file dep
  [[ " $closure_seen " != *" $name "* ]] || return 0
  closure_seen+=" $name"
  # File names use - and _ freely, module names only _.
  file=$(grep -E "/${name//_/[-_]}\.ko$" "$list" | head -n 1) || true
  [[ -n $file ]] || return 1
  for dep in $(modinfo_tag "$file" depends | tr ',' ' ') \
    $(modinfo_tag "$file" softdep | sed -n 's/.*pre: *//p' | sed 's/post:.*//'); do
    case $dep in
      # asked for by algorithm, not by module name
      crc32c | crypto-crc32c) dep=crc32c_generic ;;
      crc32 | crypto-crc32) dep=crc32_generic ;;
    esac
    module_closure "$dep" "$list" || true
  done
  printf '%s\t%s\n' "$name" "$file"
}

# Unpacks kernel, BusyBox and the wanted modules of one architecture.
unpack_packages() {
  local arch=$1 wanted=$2 dir=$cache/$1 tmp name file deps release
  if [[ -f $dir/modules/.wanted && $(<"$dir/modules/.wanted") == "$wanted" ]]; then
    return
  fi
  tmp=$(mktemp -d "$cache/unpack.XXXXXX")
  # shellcheck disable=SC2064  # the path is known now and local
  trap "rm -rf '$tmp'" EXIT
  for file in "$dir"/deb/*.deb; do
    dpkg-deb --fsys-tarfile "$file" | tar -C "$tmp" -xf -
  done
  install -m 644 "$tmp"/boot/vmlinu[xz]-* "$dir/kernel"
  install -m 644 "$tmp"/boot/config-* "$dir/config"
  release=$(basename "$tmp"/boot/config-*)
  release=${release#config-}
  printf '%s\n' "$release" >"$dir/release"
  find "$tmp" -path '*/bin/busybox' -type f -exec install -m 755 {} "$dir/busybox" \;
  [[ -x $dir/busybox ]] || die "$arch: no busybox in busybox-static"

  rm -rf "$dir/modules"
  mkdir -p "$dir/modules"
  find "$tmp" -name '*.ko' >"$tmp/list"
  for name in $wanted; do
    closure_seen=
    deps=
    if ! module_closure "$name" "$tmp/list" >"$tmp/closure"; then
      continue
    fi
    while IFS=$'\t' read -r dep file; do
      cp "$file" "$dir/modules/$dep.ko"
      deps+=" $dep"
    done <"$tmp/closure"
    printf '%s:%s\n' "$name" "$deps" >>"$dir/modules/deps"
  done
  printf '%s\n' "$wanted" >"$dir/modules/.wanted"
  rm -rf "$tmp"
  trap - EXIT
}

# --------------------------------------------------------------- initramfs --

write_init() {
  cat <<'EOF'
#!/bin/busybox sh
# First process of the guest; see guests.sh.
export PATH=/bin:/sbin:/usr/bin HOME=/root TERM=vt100

busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp

read -r cmdline </proc/cmdline

# option NAME DEFAULT: the value of NAME=VALUE or NAME="VALUE" on the kernel
# command line.
option() {
  case " $cmdline" in
    *" $1=\""*) value=${cmdline#*"$1=\""} value=${value%%\"*} ;;
    *" $1="*) value=${cmdline#*"$1="} value=${value%% *} ;;
    *) value=$2 ;;
  esac
  printf '%s\n' "$value"
}

# load NAME: insert a carried module after those it needs.
load() {
  while read -r name deps; do
    [ "$name" = "$1:" ] || continue
    for dep in $deps; do
      [ -d "/sys/module/$dep" ] || insmod "/lib/modules/$dep.ko"
    done
  done </lib/modules/deps
}

modules=$(option guest.mod "$(cat /lib/modules/default)")
if [ "$modules" != none ]; then
  for module in $modules; do
    load "$module"
  done
fi
ip link set lo up 2>/dev/null

# Keep kernel messages out of the middle of the lines that tools look for.
echo 1 >/proc/sys/kernel/printk
echo "GUEST-READY $(uname -m)"

run=$(option guest.run "")
if [ -n "$run" ]; then
  sh -c "$run"
else
  busybox --install -s /bin
  setsid cttyhack sh
fi
echo "GUEST-DONE rc=$?"

sync
case $(option guest.off poweroff) in
  reboot) reboot -f ;;
  halt) halt -f ;;
  *) poweroff -f ;;
esac
while :; do sleep 60; done
EOF
}

# The modules of an image: those carried always, those in `mods`, and what
# they need.
copy_modules() {
  local dir=$1 to=$2 name deps dep
  touch "$to/deps"
  [[ -f $dir/deps ]] || return 0
  while IFS=: read -r name deps; do
    [[ " $LOAD_MODULES $CARRY_MODULES ${mods[*]} " == *[[:space:]]"$name"[[:space:]]* ]] ||
      continue
    printf '%s:%s\n' "$name" "$deps" >>"$to/deps"
    for dep in $deps; do
      cp "$dir/$dep.ko" "$to/"
    done
  done <"$dir/deps"
}

# build_initramfs ARCH NAME [FILE:PATH...]; what is in `packages` and `mods`
# goes in too.
build_initramfs() {
  local arch=$1 output=$cache/$1/$2.gz dir=$cache/$1 root spec file path name
  shift 2
  root=$(mktemp -d "$cache/root.XXXXXX")
  # shellcheck disable=SC2064  # the path is known now and local
  trap "rm -rf '$root'" EXIT
  mkdir -p "$root"/{bin,dev,etc,lib/modules,mnt,proc,root,sbin,sys,tmp,usr/bin}
  install -m 755 "$dir/busybox" "$root/bin/busybox"
  ln -s busybox "$root/bin/sh"
  write_init >"$root/init"
  chmod 755 "$root/init"
  copy_modules "$dir/modules" "$root/lib/modules"
  echo "$LOAD_MODULES" >"$root/lib/modules/default"
  for spec; do
    file=${spec%:*} path=${spec##*:}
    file=${file//%a/$arch}
    [[ -f $file ]] || die "--add: no such file: $file"
    mkdir -p "$root/$(dirname "$path")"
    cp -p "$file" "$root/$path"
  done
  for name in "${packages[@]}"; do
    dpkg-deb --fsys-tarfile "$dir/extra/${name}"_*.deb |
      tar -C "$root" -xf - --exclude=./usr/share --exclude='*/gconv'
  done
  # Same content, same bytes: fixed owner, times and order.
  find "$root" -exec touch -h -d @0 {} +
  (cd "$root" && find . | LC_ALL=C sort |
    cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -9n >"$output.tmp"
  mv "$output.tmp" "$output"
  rm -rf "$root"
  trap - EXIT
}

# -------------------------------------------------------------------- main --

main() {
  local refresh=0 installer=0 firmware=0 sysroot=0 name=initramfs arch tool wanted spec mod size
  local -a arches=() adds=() mods=() packages=()
  while (($#)); do
    case $1 in
      --add) adds+=("${2:?--add needs FILE:PATH}") && shift ;;
      --mod) mods+=("${2:?--mod needs a name}") && shift ;;
      --name) name=${2:?--name needs a name} && shift ;;
      --package) packages+=("${2:?--package needs a name}") && shift ;;
      --installer) installer=1 ;;
      --sysroot) sysroot=1 ;;
      --firmware) firmware=1 ;;
      --refresh) refresh=1 ;;
      --help | -h) usage && return ;;
      -*) usage >&2 && return 2 ;;
      all) read -ra arches <<<"$KNOWN_ARCHES" ;;
      *) arches+=("$1") ;;
    esac
    shift
  done
  ((${#arches[@]} || firmware)) || { usage >&2; return 2; }
  for tool in apt-get apt-cache apt-config dpkg-deb cpio gzip tar; do
    command -v "$tool" >/dev/null || die "missing tool: $tool"
  done
  for spec in "${adds[@]}"; do
    [[ $spec == ?*:/?* ]] || die "--add wants FILE:/PATH, not $spec"
  done

  mkdir -p "$cache"
  ((!firmware)) || fetch_firmware
  for arch in "${arches[@]}"; do
    flavour_of "$arch" >/dev/null || die "unknown architecture: $arch"
    mkdir -p "$cache/$arch"
    fetch_packages "$arch" "$refresh"
    ((!installer)) || fetch_installer "$arch"
    ((!sysroot)) || fetch_sysroot "$arch"
    fetch_extras "$arch" "${packages[@]}"
    wanted=$(printf '%s\n' "$LOAD_MODULES $CARRY_MODULES $OTHER_MODULES" "${mods[@]}" |
      tr -s ' \n' '\n' | awk '!seen[$0]++' | tr '\n' ' ')
    unpack_packages "$arch" "${wanted% }"
    for mod in "${mods[@]}"; do
      [[ -f $cache/$arch/modules/${mod//-/_}.ko ]] ||
        say "$arch: no module $mod: built in, or not made"
    done
    build_initramfs "$arch" "$name" "${adds[@]}"
    size=$(stat -c %s "$cache/$arch/$name.gz")
    say "$arch: $(<"$cache/$arch/release"), $name.gz $((size / 1024)) KiB"
  done
}

main "$@"
