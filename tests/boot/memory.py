#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest's memory goes down and up; what a card receives is told."""

import time

from guest import done, note, scratch
from pcguest import Pc
from qmpclient import QmpError

MIB = 1 << 20
MEMORY, FILE, LESS = 768, 300, 256      # MiB
MODULES = "virtio_mmio virtio_pci virtio_balloon virtio_net"
PATIENCE = 60


class MemoryPc(Pc):
    def __init__(self, folder, machine, *devices):
        super().__init__(folder, machine, MODULES, *devices, memory=MEMORY)

    def taken(self):
        """MiB that the emulator has of the host."""
        with open("/proc/%d/status" % self.guest.child.pid) as f:
            return [int(line.split()[1]) // 1024 for line in f
                    if line.startswith("VmRSS")][0]

    def free(self):
        """MiB that the guest has free."""
        return int(self.guest.shell(
            "grep MemFree /proc/meminfo")[1].split()[1]) // 1024

    def until(self, what, test):
        limit = time.monotonic() + PATIENCE
        while not test() and time.monotonic() < limit:
            time.sleep(0.1)
        if not self.check(test(), what):
            note("taken %d, free %d, %s" % (
                self.taken(), self.free(), self.qmp.run("query-balloon")))

    def use(self):
        """Has the guest write to memory, and let go of it."""
        before = self.taken()
        status, _ = self.guest.shell(
            "mount -t tmpfs none /tmp; dd if=/dev/zero of=/tmp/x bs=1M "
            "count=%d; rm /tmp/x" % FILE)
        self.check(status == 0 and self.taken() > before + FILE // 2,
                   "memory that was used is the host's loss")

    def end(self):
        for text in self.qmp.wrong:
            self.check(False, text)
        self.qmp.close()
        self.check(self.guest.power_off() == 0, "switched off")
        self.guest.close()


def balloon(pc):
    pc.use()
    before = pc.taken()
    pc.qmp.run("balloon", value=LESS * MIB)
    pc.until("the guest has less", lambda: pc.qmp.run(
        "query-balloon")["actual"] == LESS * MIB and pc.free() < LESS)
    event = pc.qmp.event("BALLOON_CHANGE")
    pc.check(event and event["actual"] < MEMORY * MIB, "which is told")
    pc.until("the host has it back", lambda: pc.taken() < before - FILE // 2)
    pc.qmp.run("balloon", value=MEMORY * MIB)
    pc.until("the guest has it again", lambda: pc.qmp.run(
        "query-balloon")["actual"] == MEMORY * MIB and pc.free() > LESS)
    pc.use()
    pc.end()


def reporting(pc):
    """Free memory goes back by itself."""
    pc.use()
    before = pc.taken()
    pc.until("free memory is given back",
             lambda: pc.taken() < before - FILE // 2)
    pc.use()
    pc.end()


def filters(pc):
    name = pc.qmp.run("query-rx-filter")[0]["name"]
    pc.guest.shell("ip link set eth0 up; ip link set eth0 promisc on")
    event = pc.qmp.event("NIC_RX_FILTER_CHANGED")
    pc.check(event and event["name"] == name, "a filter's change is told")
    state = pc.qmp.run("query-rx-filter", name=name)[0]
    pc.check(state["promiscuous"] and state["broadcast-allowed"]
             and state["main-mac"] == "52:54:00:12:34:56",
             "the card takes everything")
    pc.check("33:33:00:00:00:01" in state["multicast-table"],
             "that of all IPv6 hosts is in its table")
    pc.guest.shell("ip link set eth0 promisc off")
    event = pc.qmp.event("NIC_RX_FILTER_CHANGED")
    pc.check(event, "and the next one")
    pc.check(not pc.qmp.run("query-rx-filter")[0]["promiscuous"],
             "it does not any more")
    try:
        pc.qmp.run("query-rx-filter", name="nobody")
        pc.check(False, "a card that is not there")
    except QmpError as e:
        pc.check("invalid net client" in e.desc, "a card that is not there")


def main():
    with scratch() as folder:
        pc = MemoryPc(folder, "pc", "-nic", "user,model=virtio-net-pci",
                      "-device", "virtio-balloon-pci")
        filters(pc)
        balloon(pc)
        reporting(MemoryPc(
            folder, "microvm", "-nic", "none", "-device",
            "virtio-balloon-device,free-page-reporting=on"))
    done()


main()
