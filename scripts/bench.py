#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare anole with QEMU on the same guests with the same options.

usage: bench.py [-n RUNS] [-a "arm64 amd64 ..."] [-p PERCENT]
                [-w "int fp ..."] [-t SECONDS] [--cpu] [--phases]
                [--json FILE] [PROGRAM [QEMU]]

PROGRAM is build/anole by default, QEMU the qemu-system-* of the guest's
architecture. There is a table for each architecture. Runs of both alternate,
and so does who begins. Rows of the table, medians over the runs:

  start      the whole life of a guest that switches off at once (arm64)
  boot       from start to the shell of the Linux guest
  NAME       a workload in the guest, by the guest's clock
  micro.NAME a loop of one kind of instruction or system call
  kpti.NAME  the same with the kernel's page-table isolation the other way
             round than the guest has it by itself (arm64, PCs)
  io.NAME    256 MiB read from or written to a virtio disk, and fetched over
             the user network

Below the tables: how many host instructions PROGRAM's translated code takes for
a guest instruction of int and branch, counted in a run of its own.

With --cpu the processor seconds, user and system, that the emulator used
meanwhile; they depend less on what else the machine is doing. Peak memory is
that of the process (ru_maxrss). Checksums of workloads must be those of the
same workload on this machine. The exit status is 1 if one is not, or if a row
of PROGRAM is missing.
"""

import argparse
import json
import http.server
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "boot"))
import qmpclient  # noqa: E402
from guest import MACHINES, cached, linux  # noqa: E402

WORKLOADS = "int fp simd mem branch sys smp selfmod micro"


class Guest(typing.NamedTuple):
    """What there is of an architecture beside guest.MACHINES."""

    qemu: str
    nic: str
    kpti: str = ""      # page-table isolation as it is not by default
    more: str = ""      # workloads
    folder: str = "native"      # of the programs to compare checksums with


GUESTS = {
    "arm64": Guest("qemu-system-aarch64", "virtio-net-device",
                   kpti="nokaslr kpti=off"),
    "amd64": Guest("qemu-system-x86_64", "virtio-net-pci", kpti="pti=on",
                   more=" simd-avx2", folder="amd64"),
    "i386": Guest("qemu-system-i386", "virtio-net-pci", kpti="pti=on",
                  more=" fp-x87", folder="i386"),
    "mipsel": Guest("qemu-system-mipsel", "virtio-net-pci"),
    "mips64el": Guest("qemu-system-mips64el", "virtio-net-pci"),
}
KERNEL_LOOPS = "syscall fault switch signal"
IO_MIB = 256
STARTS = 5              # starts are short: so many for each run
RESULT = re.compile(r"RESULT (\S+) seconds=([\d.]+) check=(\w+)")
PHASE = re.compile(r"([a-z]+\.\w+)\s+([\d.]+) s  check")
RUN = re.compile(r"instructions run +(\d+) guest, (\d+) host")
COUNTED = "int branch"
COPY = re.compile(r"COPY (\S+) ([\d.]+) ([\d.]+)")    # and uptimes about it


class Sample:
    """What one process showed: rows of (seconds, processor seconds)."""

    def __init__(self):
        self.rows, self.checks, self.phases = {}, {}, {}
        self.peak = 0           # KiB
        self.status = None


def cpu_seconds(pid):
    """User and system seconds of a process, exited threads included."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(command, limit, row=None):
    """Runs an emulator to its end, or for `limit` seconds.

    With `row` the whole life is that row; without, rows come from the
    guest's lines.
    """
    sample, name, begin = Sample(), None, 0.0
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    timer = threading.Timer(limit, child.kill)
    timer.start()
    for raw in child.stdout:
        wall, line = time.monotonic() - start, raw.decode("latin-1").strip()
        result, phase = RESULT.search(line), PHASE.match(line)
        copy = COPY.match(line)
        if "GUEST-READY" in line:
            sample.rows["boot"] = (wall, cpu_seconds(child.pid))
        elif line.startswith("BENCH-BEGIN "):
            name, begin = line.split()[1], cpu_seconds(child.pid)
        elif result and name:
            sample.rows[name] = (float(result[2]),
                                 cpu_seconds(child.pid) - begin)
            sample.checks[name] = result[3]
        elif phase:
            sample.phases[phase[1]] = float(phase[2])
        elif copy:
            sample.phases[copy[1]] = float(copy[3]) - float(copy[2])
    _, status, usage = os.wait4(child.pid, 0)
    timer.cancel()
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    sample.peak, sample.status = usage.ru_maxrss, child.returncode
    if row and not sample.status:
        sample.rows[row] = (time.monotonic() - start,
                            usage.ru_utime + usage.ru_stime)
    return sample


def start_command(program):
    return [program, *MACHINES["arm64"], "-nographic", "-no-reboot",
            "-kernel", cached("bare", "off.elf")]


def work_command(program, arch, options):
    # Few words: QEMU's malta gives its kernel 255 characters.
    run = ("for w in %s; do echo BENCH-BEGIN $w; $w %d 1; done"
           % (workloads(arch, options), options.percent))
    return linux(program, 'quiet guest.run="%s"' % run,
                 initrd="workloads.gz", extra=["-smp", "1"], arch=arch)


class Zeroes(http.server.BaseHTTPRequestHandler):
    """Gives IO_MIB of zeroes to whoever asks."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(IO_MIB << 20))
        self.end_headers()
        for _ in range(IO_MIB):
            self.wfile.write(bytes(1 << 20))

    def log_message(self, *args):
        pass


def micro_command(program, arch, options, disk, port):
    """The small loops that depend on KPTI, the disk, the network."""
    run = "io %d http://10.0.2.2:%d/" % (IO_MIB, port)
    if GUESTS[arch].kpti:
        run = "micro %d %s | sed s/^micro/kpti/; %s" % (
            options.percent, KERNEL_LOOPS, run)
    return linux(program, '%s quiet guest.run="%s"' % (GUESTS[arch].kpti, run),
                 initrd="workloads.gz", arch=arch, extra=[
                     "-smp", "1", "-drive", "if=virtio,format=raw,file=" + disk,
                     "-netdev", "user,id=n0", "-device",
                     "%s,netdev=n0" % GUESTS[arch].nic])


def micro(program, arch, options):
    """The sample of a run of micro_command()."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Zeroes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.NamedTemporaryFile() as disk:
        disk.truncate(IO_MIB << 20)
        sample = watch(micro_command(program, arch, options, disk.name,
                                     server.server_port), options.limit)
    server.shutdown()
    sample.rows = {}            # its boot is another one
    return sample


def workloads(arch, options):
    """Names, parted by blanks."""
    return options.workloads or WORKLOADS + GUESTS[arch].more


def instructions_run(qmp):
    """Guest and host instructions that ran until now."""
    text = qmp.run("human-monitor-command", **{"command-line": "info jit"})
    return [int(n) for n in RUN.search(text).groups()]


def density(program, arch, options):
    """{workload: host instructions for a guest instruction}."""
    run = "; ".join("echo BENCH-BEGIN; %s %d" % (w, options.percent)
                    for w in COUNTED.split())
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "qmp")
        child = subprocess.Popen(
            linux(program, 'quiet guest.run="%s"' % run, arch=arch,
                  initrd="workloads.gz", extra=[
                      "-accel", "tcg,count=on", "-qmp",
                      "unix:%s,server=on,wait=off" % path]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        timer = threading.Timer(options.limit, child.kill)
        timer.start()
        qmp, before = qmpclient.connect(path), None
        qmp.run("qmp_capabilities")
        for raw in child.stdout:
            result = RESULT.search(raw.decode("latin-1"))
            if b"BENCH-BEGIN" in raw:
                before = instructions_run(qmp)
            elif result and before:
                now = instructions_run(qmp)
                found[result[1]] = ((now[1] - before[1])
                                    / (now[0] - before[0]))
        child.wait()
        timer.cancel()
        qmp.close()
    return found


def native(arch, options):
    """The workloads on this machine; the guest's program where it runs."""
    sample = Sample()
    folder = GUESTS[arch].folder if platform.machine() == "x86_64" \
        else "native"
    for name in workloads(arch, options).split():
        before = os.times()
        out = subprocess.run(
            [cached("workloads", folder, name),
             str(options.percent), "1"], stdout=subprocess.PIPE,
            check=True).stdout.decode()
        after = os.times()
        result = RESULT.search(out)
        sample.rows[name] = (
            float(result[2]),
            after.children_user - before.children_user +
            after.children_system - before.children_system)
        sample.checks[name] = result[3]
        for phase in PHASE.finditer(out):
            sample.phases[phase[1]] = float(phase[2])
    return sample


def measure(programs, arch, options):
    """All runs; {who: [samples]}, with "native" among them."""
    samples = {who: [] for who in programs}
    samples["native"] = []
    for run in range(options.runs):
        order = list(programs)
        for who in order if run % 2 == 0 else order[::-1]:
            program = programs[who]
            for _ in range(STARTS if arch == "arm64" else 0):
                samples[who].append(
                    watch(start_command(program), 30, "start"))
            print("# %s, run %d of %d: %s"
                  % (arch, run + 1, options.runs, who),
                  file=sys.stderr, flush=True)
            samples[who].append(
                watch(work_command(program, arch, options), options.limit))
            if "micro" in workloads(arch, options).split():
                samples[who].append(micro(program, arch, options))
        samples["native"].append(native(arch, options))
    return samples


# ------------------------------------------------------------------- results

def median_of(samples, row, column):
    values = [s.rows[row][column] for s in samples if row in s.rows]
    return statistics.median(values) if values else None


def peak_of(samples, row):
    """Peak memory in MiB of the processes that gave a row."""
    values = [s.peak / 1024 for s in samples if row in s.rows]
    return statistics.median(values) if values else None


def phase_of(samples, phase):
    values = [s.phases[phase] for s in samples if phase in s.phases]
    return statistics.median(values) if values else None


def geometric_mean(values):
    values = [v for v in values if v]
    if not values:
        return None
    return math.exp(sum(math.log(v) for v in values) / len(values))


def ratio(over, under):
    return over / under if over and under else None


def summary(samples, arch, options):
    """The rows of the table, as dicts."""
    column = 1 if options.cpu else 0
    rows = []
    begin = ["start", "boot"] if arch == "arm64" else ["boot"]
    names = [w for w in workloads(arch, options).split() if w != "micro"]
    for name in begin + names:
        ours = median_of(samples["anole"], name, column)
        qemu = median_of(samples["qemu"], name, column)
        rows.append({
            "row": name, "anole": ours, "qemu": qemu,
            "ratio": ratio(qemu, ours),
            "native": median_of(samples["native"], name, column),
            "anole_mib": peak_of(samples["anole"], name),
            "qemu_mib": peak_of(samples["qemu"], name)})
    return rows


def is_micro(phase):
    return phase.split(".")[0] in ("micro", "kpti", "io")


def phases(samples):
    rows = []
    names = [p for who in samples.values() for s in who for p in s.phases]
    for name in dict.fromkeys(names):
        ours = phase_of(samples["anole"], name)
        qemu = phase_of(samples["qemu"], name)
        rows.append({"row": name, "anole": ours, "qemu": qemu,
                     "ratio": ratio(qemu, ours),
                     "native": phase_of(samples["native"], name)})
    return rows


def means(rows):
    """Geometric means of QEMU's time over ours."""
    work = [r["ratio"] for r in rows if r["row"] not in ("start", "boot")]
    return {"workloads": geometric_mean(work),
            "all": geometric_mean([r["ratio"] for r in rows])}


def wrong_checks(samples):
    """Checksums that are not the native ones, in words."""
    right, wrong = samples["native"][0].checks, []
    for who, runs in samples.items():
        for sample in runs:
            for name, value in sample.checks.items():
                if value != right[name]:
                    wrong.append("%s: %s gave %s, not %s"
                                 % (who, name, value, right[name]))
    return sorted(set(wrong))


def cell(value, form):
    width = len(form % 0.0)
    return "-".rjust(width) if value is None else form % value


def show(title, rows, averages):
    print("%-16s %9s %9s %9s %9s %10s %10s" % (
        title, "anole s", "QEMU s", "QEMU/ours", "native s", "anole MiB",
        "QEMU MiB"))
    for r in rows:
        print(" ".join([
            "%-16s" % r["row"], cell(r["anole"], "%9.3f"),
            cell(r["qemu"], "%9.3f"), cell(r["ratio"], "%9.2f"),
            cell(r["native"], "%9.3f"),
            cell(r.get("anole_mib"), "%10.1f"),
            cell(r.get("qemu_mib"), "%10.1f")]))
    for name, value in averages.items():
        print("geometric mean of %-19s %s" % (name, cell(value, "%9.2f")))


def as_json(arch, rows, samples, options, programs, wrong):
    runs = {who: [vars(s) for s in some] for who, some in samples.items()}
    return {"machine": MACHINES[arch], "programs": programs,
            "percent": options.percent, "runs": options.runs,
            "column": "cpu" if options.cpu else "clock",
            "rows": rows, "phases": phases(samples), "means": means(rows),
            "wrong": wrong, "samples": runs}


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        usage=argparse.SUPPRESS)
    p.add_argument("-n", dest="runs", type=int, default=1)
    p.add_argument("-p", dest="percent", type=int, default=100)
    p.add_argument("-a", dest="arches", default=" ".join(GUESTS))
    p.add_argument("-w", dest="workloads")
    p.add_argument("-t", dest="limit", type=float, default=900)
    p.add_argument("--cpu", action="store_true")
    p.add_argument("--phases", action="store_true")
    p.add_argument("--json")
    p.add_argument("program", nargs="?",
                   default=os.path.join(TOP, "build", "anole"))
    p.add_argument("qemu", nargs="?")
    return p.parse_args()


def bench(arch, options):
    """One architecture's table; what goes into the JSON file."""
    programs = {"anole": os.path.abspath(options.program)}
    qemu = options.qemu or GUESTS[arch].qemu
    if shutil.which(qemu):
        programs["qemu"] = shutil.which(qemu)
    else:
        print("bench: no %s here, so anole is alone" % qemu)
    for path in (programs["anole"], cached(arch, "workloads.gz")):
        if not os.path.exists(path):
            sys.exit("bench: there is no %s: run make bench" % path)
    samples = measure(programs, arch, options)
    samples.setdefault("qemu", [])
    rows, wrong = summary(samples, arch, options), wrong_checks(samples)
    show(arch, rows, means(rows))
    more = [r for r in phases(samples)
            if options.phases or is_micro(r["row"])]
    if more:
        print()
        show(arch, more, {"micro loops": geometric_mean(
            [r["ratio"] for r in more if is_micro(r["row"])])})
    for name, value in density(programs["anole"], arch, options).items():
        print("host instructions for one of %s: %.2f" % (name, value))
    for line in wrong:
        print("WRONG " + line)
    missing = [r["row"] for r in rows if r["anole"] is None]
    if missing:
        print("anole has no result for: " + " ".join(missing))
    print()
    return as_json(arch, rows, samples, options, programs, wrong + missing)


def main():
    options = arguments()
    results = {}
    for arch in options.arches.split():
        if arch not in GUESTS:
            sys.exit("bench: no such architecture: %s (there are: %s)"
                     % (arch, " ".join(GUESTS)))
        results[arch] = bench(arch, options)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(results, f, indent=1)
            f.write("\n")
    return 1 if any(r["wrong"] for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
