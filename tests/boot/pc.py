#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCs: Linux without firmware on every board."""

from guest import DONE, READY, Guest, cached, check, done, emulator, linux


def linux_boots(arch, machine, *extra):
    what = "%s on %s: " % (arch, " ".join([*machine, *extra]))
    run = "nproc; echo bugs: $(dmesg | grep -c F[i]rmware.Bug)"
    with Guest(arch=arch, machine=[*machine, "-m", "512"], extra=extra,
               append='quiet guest.run="%s"' % run, timeout=120) as g:
        check(g.expect(READY), what + "the guest boots")
        if "-smp" in extra:
            check(g.expect("^%s\n" % extra[extra.index("-smp") + 1]),
                  what + "all CPUs are there")
        check(g.expect("^bugs: 0\n"), what + "the kernel blames no firmware")
        check(g.expect(DONE) and g.wait() == 0, what + "and powers off")


def reboots():
    command = linux(emulator(), "quiet guest.off=reboot guest.run=true",
                    arch="amd64")
    command.remove("-no-reboot")
    with Guest(command, timeout=120) as g:
        check(g.expect(DONE) and g.expect(READY),
              "a guest that reboots boots again")


def no_apic():
    """A board without APICs has CPUs without."""
    with Guest(arch="i386", machine=["-M", "isapc", "-m", "256"],
               append='quiet guest.run="grep -w apic /proc/cpuinfo; '
                      'dmesg | grep -c unchecked.[M]SR" guest.off=reboot',
               timeout=120) as g:
        check(g.expect(r"^0\n"), "isapc: Linux finds no APIC to talk to")
        check(g.expect(DONE) and "apic" not in
              g.output[g.output.find("GUEST-READY"):g.at],
              "isapc: and its CPU has none")


UUID = "00112233-4455-6677-8899-aabbccddeeff"
TOLD = {"sys_vendor": "Some Works", "product_name": "Model T",
        "product_serial": "1908", "product_uuid": UUID}


def tells(what, vendor, *extra):
    """What a guest knows of its machine: SMBIOS, packages, cores, threads."""
    told = {**TOLD, "bios_vendor": vendor}
    topology = "/sys/devices/system/cpu/cpu0/topology/"
    run = "; ".join(
        ["cd /sys/class/dmi/id"] + ["echo %s=$(cat %s)" % (f, f) for f in told]
        + ["cd " + topology, "echo threads $(cat thread_siblings_list)",
           "echo package $(cat core_siblings_list)"])
    with Guest(arch="amd64",
               machine=["-M", "q35", "-cpu", "Haswell", "-m", "512"],
               extra=["-smp", "8,sockets=2,threads=2", "-uuid", UUID,
                      "-smbios", "type=1,manufacturer=Some Works,"
                      "product=Model T,serial=1908", *extra],
               append='quiet guest.run="%s"' % run, timeout=120) as g:
        check(g.expect(READY), what + "the guest boots")
        check(all(g.expect("^%s=%s\n" % row) for row in told.items()),
              what + "SMBIOS says what the options say")
        check(g.expect("^threads 0-1\npackage 0-3\n"),
              what + "CPUs are threads, cores and packages")


def main():
    linux_boots("amd64", ["-M", "pc", "-cpu", "qemu64"])
    linux_boots("amd64", ["-M", "q35", "-cpu", "max"], "-smp", "4")
    linux_boots("amd64", ["-M", "microvm", "-cpu", "EPYC"])
    linux_boots("i386", ["-M", "pc", "-cpu", "max"], "-smp", "2")
    linux_boots("i386", ["-M", "q35", "-cpu", "pentium3"])
    tells("no firmware: ", "anole")
    tells("SeaBIOS: ", "SeaBIOS", "-bios", cached("firmware", "bios-256k.bin"))
    no_apic()
    reboots()
    done()


main()
