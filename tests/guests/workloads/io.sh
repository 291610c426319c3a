#!/bin/sh
# SPDX-License-Identifier: MIT
# io - times a disk's reads and writes and the network's.
#
# usage: io MIB URL     that many MiB of /dev/vda; URL is fetched over eth0
#
# Prints for each "COPY io.NAME" and the uptimes before and after, in seconds.

timed() {
  name=$1 && shift
  read -r before _ </proc/uptime
  "$@" 2>/dev/null
  read -r after _ </proc/uptime
  echo "COPY io.$name $before $after"
}

ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
timed read dd bs=1M count="$1" if=/dev/vda of=/dev/null
timed write dd bs=1M count="$1" if=/dev/zero of=/dev/vda conv=fsync
timed net wget -q -O /dev/null "$2"
